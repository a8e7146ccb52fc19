import Foundation
import Layers
import LearnedOptimizers
import Safetensors
import Tensors
import TestSupport
import Testing

/// Six steps of the perceptron rules beside their authors' programs, through both engines.
///
/// Tolerance 2e-5 of the largest number: the programs compute in float32 too.
@Suite("Numbers of the perceptron rules' authors")
struct PerceptronGoldenTests {
  private static func weights(
    _ rule: any LearnedOptimizer, _ values: [String: [Tensor]]
  ) throws -> NamedTensors {
    NamedTensors(
      names: rule.weights.map(\.name),
      tensors: try rule.weights.map { weight in
        let parts = try #require(values[weight.name], "no values of \(weight.name)")
        let elements = parts.flatMap(\.elements)
        return Tensor(elements, shape: weight.shape)
      })
  }

  private func engine(
    _ rule: any LearnedOptimizer, fused: Bool, _ weights: NamedTensors
  ) -> any OptimizerEngine {
    let engine: any OptimizerEngine = fused ? rule.makeEngine() : TensorEngine(rule)
    engine.load(weights)
    return engine
  }

  private func worst(_ found: [Float], _ expected: [Float]) -> Double {
    let scale = expected.reduce(1e-12) { max($0, abs(Double($1))) }
    return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - Double($1.1)) / scale) }
  }

  // MARK: - Celo2

  static let celo2Features = [
    "g", "clipped_g", "p", "m", "rms", "m_over_rms", "rsqrt_rms", "fac_g", "g_over_rms", "row",
    "col",
    "rsqrt_row", "rsqrt_col", "fac_m",
  ]

  @Test("Celo2 and Celo2-base", arguments: [false, true], [false, true])
  func celo2(orthogonal: Bool, fused: Bool) throws {
    let golden = try Golden("celo2", in: .module)
    let rule: any LearnedOptimizer = orthogonal ? Celo2() : Celo2Base()
    var values = ["b0", "b1", "b2", "w1", "w2"].reduce(into: [String: [Tensor]]()) { values, name in
      values[name] = (try? golden("theta/\(name)")).map { [$0] }
    }
    values["w0"] = try Self.celo2Features.map { try golden("theta/w0/\($0)") }
    let engine = engine(rule, fused: fused, try Self.weights(rule, values))
    let kind = orthogonal ? "ortho" : "base"
    // Celo2 itself steps vectors by Adam.
    for name in ["matrix", "wide", "filter"] + (orthogonal ? [] : ["bias", "scalar"]) {
      var p = try golden("p0/\(name)")
      var state = engine.initialState(of: [p.shape])
      for step in 0..<6 {
        let gradient = try golden("grad/\(step)/\(name)")
        let update = engine.step(
          StepInput(
            gradient: gradient.reshaped(to: Shape(vector: gradient.count)),
            parameters: p.reshaped(to: Shape(vector: p.count)), loss: 0), state: &state)
        let expected = try golden("\(kind)/step/\(step)/\(name)").elements
        let error = worst(update.elements.map { $0 / -0.001 }, expected)
        #expect(error < 2e-5, "\(name), step \(step): \(error)")
        p = p + update.reshaped(to: p.shape)
      }
    }
  }

  // MARK: - The others

  private static let names = ["bias", "filter", "matrix", "wide"]

  /// Steps all tensors together and compares each parameter after each step.
  private func check(
    _ rule: any LearnedOptimizer, fused: Bool, _ golden: Golden, _ values: [String: [Tensor]],
    plannedSteps: Int? = nil, comparesSteps: Bool = false
  ) throws {
    let engine = engine(rule, fused: fused, try Self.weights(rule, values))
    let tensors = try Self.names.map { try golden("p/0/\($0)") }
    var state = engine.initialState(of: tensors.map(\.shape))
    var p = tensors.flatMap(\.elements)
    for step in 0..<6 {
      let gradient = try Self.names.flatMap { try golden("grad/\(step)/\($0)").elements }
      let before = p
      let input = StepInput(
        gradient: Tensor(gradient), parameters: Tensor(p), loss: try golden("loss").elements[step],
        count: plannedSteps)
      let update = engine.step(input, state: &state)
      p = zip(p, update.elements).map { $0 + $1 }
      var start = 0
      for (name, tensor) in zip(Self.names, tensors) {
        let range = start..<start + tensor.count
        start = range.upperBound
        let expected = try golden("p/\(step + 1)/\(name)").elements
        #expect(worst(Array(p[range]), expected) < 2e-5, "\(name), step \(step)")
        guard comparesSteps else { continue }
        let old = try golden("p/\(step)/\(name)").elements
        let error = worst(
          zip(p[range], before[range]).map { $0 - $1 }, zip(expected, old).map { $0 - $1 })
        // A step is a difference of float32 numbers a thousand times larger.
        #expect(error < 2e-3, "the step of \(name), step \(step): \(error)")
      }
    }
  }

  @Test("MLPLOpt", arguments: [false, true])
  func mlp(fused: Bool) throws {
    let golden = try Golden("mlp_lopt", in: .module)
    var values: [String: [Tensor]] = [:]
    for layer in 0..<3 {
      values["w\(layer)"] = [try golden("theta/mlp/~/linear_\(layer)/w")]
      values["b\(layer)"] = [try golden("theta/mlp/~/linear_\(layer)/b")]
    }
    try check(MLPLOpt(), fused: fused, golden, values)
  }

  @Test("AdafacMLPLOpt, with decays that are learned", arguments: [false, true])
  func adafac(fused: Bool) throws {
    let golden = try Golden("adafac_mlp_lopt", in: .module)
    var values: [String: [Tensor]] = [:]
    for layer in 0..<3 {
      values["w\(layer)"] = [try golden("theta/nn/~/w\(layer)")]
      values["b\(layer)"] = [try golden("theta/nn/~/b\(layer)")]
    }
    for name in ["momentum_decays", "rms_decays", "adafactor_decays"] {
      values[name] = [try golden("theta/\(name)")]
    }
    try check(AdafacMLPLOpt(), fused: fused, golden, values)
  }

  @Test("Celo, with its scheduler", arguments: [false, true])
  func celo(fused: Bool) throws {
    let golden = try Golden("celo", in: .module)
    var values: [String: [Tensor]] = [:]
    let mlp = "theta/ff_mod_stack/~/"
    values["mlp/w0"] = try (0..<14).map { try golden("\(mlp)w0__\($0)") }
    for name in ["b0", "w1", "b1", "w2", "b2"] { values["mlp/\(name)"] = [try golden(mlp + name)] }
    let rnn = "theta/rnn_params/"
    for (mine, theirs) in [
      ("lstm", "rnn/linear"), ("mix_0", "linear"), ("mix_1", "linear_1"), ("mix_2", "linear_2"),
      ("controls", "rnn_to_controls"), ("step_size", "step_size"),
    ] {
      for part in ["w", "b"] { values["\(mine)/\(part)"] = [try golden("\(rnn)\(theirs)/\(part)")] }
    }
    values["lstm/initial_hidden"] = [try golden("theta/lstm_init_state/hidden")]
    values["lstm/initial_cell"] = [try golden("theta/lstm_init_state/cell")]
    try check(
      Celo(), fused: fused, golden, values, plannedSteps: 2000, comparesSteps: true)
  }

  // MARK: - Counts

  @Test("the rules have as many weights as published")
  func counts() {
    #expect(Celo2().weightCount == 347)
    #expect(Celo2Base().weightCount == 347)
    #expect(MLPLOpt().weightCount == 1762)
    #expect(AdafacMLPLOpt().weightCount == 197)
    #expect(AdafacMLPLOpt(hidden: [32, 32]).weightCount == 2409)
    #expect(Celo().weightCount == 37_089)
  }
}
