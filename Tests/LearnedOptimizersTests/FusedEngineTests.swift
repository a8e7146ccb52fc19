import CKernels
import Layers
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// Those that the machine can run.
var instructionSets: [Int32] {
  [CK_ISA_BASELINE, CK_ISA_AVX2, CK_ISA_AVX512, CK_ISA_AVX512_DUAL].map { Int32($0) }
    .filter { ck_deep_lstm_supports_isa($0) == 1 }
}

/// The fused kernels against automatic differentiation.
@Suite("FusedEngine")
struct FusedEngineTests {
  @Test("it computes what automatic differentiation does", arguments: EngineComparison.all)
  func agreement(comparison: EngineComparison) {
    let net = comparison.net
    let differences = comparison.differences(
      comparison.run(FusedEngine(net.rule)), comparison.run(RowEngine(net.rule)))
    #expect(differences == [])
  }

  #if compiler(>=6.2)
    // In a process of its own: the choice of the instruction set is the process's, and states of
    // engines in other tests belong to the instruction set that they were made for.
    @Test("it does so with every instruction set that the machine can run")
    func everyInstructionSet() async {
      await #expect(processExitsWith: .success) {
        let sets = instructionSets
        #expect(sets.contains(Int32(CK_ISA_BASELINE)))
        for comparison in EngineComparison.all {
          let net = comparison.net
          let oracle = comparison.run(RowEngine(net.rule))
          for set in sets {
            ck_deep_lstm_force_isa(set)
            #expect(ck_deep_lstm_isa() == set)
            let differences = comparison.differences(
              comparison.run(FusedEngine(net.rule)), oracle)
            #expect(differences.isEmpty, "instruction set \(set): \(differences)")
          }
        }
      }
    }

    @Test("extreme gradients give the same class of number with every instruction set")
    func extremesOfInstructionSets() async {
      await #expect(processExitsWith: .success) {
        for set in instructionSets {
          ck_deep_lstm_force_isa(set)
          for comparison in ExtremeComparison.all { #expect(comparison.differences() == []) }
        }
      }
    }
  #endif

  @Test("extreme gradients give the same class of number", arguments: ExtremeComparison.all)
  func extremes(comparison: ExtremeComparison) {
    #expect(comparison.differences() == [])
  }

  @Test("other weights that are loaded are used from then on")
  func loading() {
    let first = coordinateWise([4], seed: 1)
    let second = coordinateWise([4], seed: 2)
    let engine = first.loaded(FusedEngine(first.rule))
    let expected = second.loaded(FusedEngine(second.rule))
    engine.load(second.weights)
    var a = engine.initialState([9])
    var b = expected.initialState([9])
    let input = Tensor.random([9], seed: 1)
    #expect(
      haveSameBits(
        engine.step(input, state: &a).elements, expected.step(input, state: &b).elements))
  }

  @Test("an engine serves long and short unrolls in any order")
  func scratch() {
    let net = coordinateWise([6, 5])
    let engine = net.loaded(FusedEngine(net.rule))
    func gradient(_ engine: FusedEngine, steps: Int) -> [Double] {
      var sum = [Double](repeating: 0, count: net.weights.elementCount)
      engine.backward(
        gradients: (0...steps).map { .random([40], seed: $0) },
        from: engine.initialState([40]), into: &sum)
      return sum
    }
    for steps in [1, 50, 3, 120, 0, 50] {
      let fresh = net.loaded(FusedEngine(net.rule))
      #expect(gradient(engine, steps: steps) == gradient(fresh, steps: steps))
    }
  }
}

/// Rows of extreme gradients beside ordinary ones, a step of both engines.
struct ExtremeComparison: Sendable, CustomTestStringConvertible {
  let layers: [Int]
  let preprocess: Preprocessing
  let width: Int

  var testDescription: String { "\(layers) \(preprocess) width \(width)" }

  static let all: [ExtremeComparison] = [[], [5], [20, 20]].flatMap { layers in
    [
      Preprocessing.identity, .logAndSign(k: 5), .clamp(min: -1, max: 1), .clamp(min: nil, max: 2),
    ].flatMap { preprocess in
      [1, 3].map { ExtremeComparison(layers: layers, preprocess: preprocess, width: $0) }
    }
  }

  static let gradients: [Float] = [
    0, -0.0, 1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0x1p-130, 1e-30, -1e-30, 1e30,
    -1e30, 1e10, .infinity, -.infinity, .nan, 0.5, -2, 1e-8,
  ]

  /// Where the engines differ in class (finite, infinite with its sign, NaN), or in value.
  func differences() -> [String] {
    // Positive weights: an infinite input makes no sum of opposite infinities, whose class depends
    // on the order of additions.
    var net = Weighted(
      StandardDeepLSTM(
        outputSize: width, layers: layers, preprocess: preprocess, scale: 0.5), seed: 8)
    net.weights.tensors = net.weights.tensors.map {
      $0.absolute().affine(scale: 1, offset: 0.01)
    }
    let rows = Self.gradients.count
    let input = Tensor(
      Self.gradients.flatMap { value in (0..<width).map { $0 == 0 ? value : 0.25 } },
      shape: [rows, width])
    let engines: [any OptimizerEngine] = [
      net.loaded(FusedEngine(net.rule)), net.loaded(RowEngine(net.rule)),
    ]
    // Two steps: what an extreme leaves in the state shows in the second.
    let results = engines.map { engine in
      var state = engine.initialState(input.shape)
      let first = engine.step(input, state: &state)
      let second = engine.step(Tensor(repeating: 0.5, shape: input.shape), state: &state)
      return first.elements + second.elements
    }
    var found: [String] = []
    for (index, (mine, truth)) in zip(results[0], results[1]).enumerated() {
      let gradient = Self.gradients[index / width % rows]
      // Ordinary rounding where both are finite.
      let same =
        truth.isFinite && mine.isFinite
        ? abs(mine - truth) <= 1e-5 * max(abs(truth), 1e-3)
        : mine == truth || (mine.isNaN && truth.isNaN)
      if !same {
        found.append("\(testDescription), gradient \(gradient): \(mine), not \(truth)")
      }
    }
    return found
  }
}
