import Foundation
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// The rules that came after Adam against optax, step by step.
@Suite("Rules of optax")
struct OptaxTests {
  private static let tensors = ["matrix", "wide", "filter", "bias"]

  static let rules: [(String, any LearnedOptimizer)] = [
    (
      "AdamW",
      AdamW(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
    ),
    (
      "NAdamW",
      NAdamW(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
    ),
    ("RAdam", RAdam(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6)),
    ("RAdamDefaults", RAdam(learningRate: 0.01)),
    ("Lion", Lion(learningRate: 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1)),
    (
      "Muon",
      Muon(learningRate: 0.01, momentum: 0.9, beta1: 0.8, beta2: 0.95, weightDecay: 0.1)
    ),
    (
      "ScheduleFreeAdamW",
      ScheduleFreeAdamW(
        learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
    ),
  ]

  @Test("eight steps agree with optax", arguments: rules.indices)
  func steps(index: Int) throws {
    let (name, rule) = Self.rules[index]
    let golden = try Golden("optax_rules", in: .module)
    func joined(_ prefix: String) throws -> Tensor {
      Tensor(try Self.tensors.flatMap { try golden("\(prefix)/\($0)").elements })
    }
    let shapes = try Self.tensors.map { try golden("start/\($0)").shape }
    var parameters = try joined("start")
    let engine = rule.makeEngine()
    var state = engine.initialState(of: shapes)
    for step in 0..<8 {
      let gradient = try joined("gradient/\(step)")
      let input = StepInput(gradient: gradient, parameters: parameters, loss: 0)
      let update = engine.step(input, state: &state)
      let before = parameters
      parameters = before + update
      let truth = try joined("\(name)/\(step)")
      // RAdam's rectification is a difference of numbers near 2,000, with betas in float32.
      let tolerance = name.hasPrefix("RAdam") ? 2e-3 : 3e-4
      // Updates of 0.001 to 0.01, and up to eight float32 roundings of parameters near 1 behind them.
      #expect(
        relativeError(
          zip(parameters.elements, before.elements).map { Double($0 - $1) },
          zip(truth.elements, before.elements).map { Double($0 - $1) }) < tolerance, "step \(step)")
      #expect(relativeError(parameters.elements, truth.elements) < 1e-6, "step \(step)")
    }
  }

  @Test("options of saved rules make the same rule again")
  func options() throws {
    for (_, rule) in Self.rules {
      let entry = try OptimizerEntry.standard.entry(named: type(of: rule).name)
      let again = try entry.make(options: rule.options)
      #expect(again.options == rule.options)
      #expect(type(of: again) == type(of: rule))
      #expect(Set(entry.options) == Set(rule.options.keys))
    }
  }
}
