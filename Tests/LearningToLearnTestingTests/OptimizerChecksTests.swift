import Autodiff
import Layers
import LearnedOptimizers
import LearningToLearnTesting
import Settings
import Tensors
import Testing

/// Rules that are no good optimizers, each for a reason of its own.
@Suite("checkOptimizer")
struct OptimizerChecksTests {
  /// Descent at a learned rate, and what is wrong with it.
  private struct Wrong: TensorwiseOptimizer {
    static let name = "Wrong"
    var rate: Float = 1
    var names = ["rate"]
    var forgetsRate = false
    var dividesByNorm = false
    var hidesWeight = false
    var engineRate: Float?

    var options: [String: JSONValue] { forgetsRate ? [:] : ["rate": .float(rate)] }
    var weights: [VariableSpecification] {
      names.map { VariableSpecification($0, .scalar, .constant(0.1)) }
    }
    func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape)] }

    func update(_ step: TensorStep, state: [Variable], weights: [Variable])
      -> (update: Variable, state: [Variable])
    {
      let mean = state[0] * 0.5 + step.gradient
      let weight = hidesWeight ? Variable(weights[0].value) : weights[0]
      let direction =
        dividesByNorm ? step.gradient / step.gradient.squared().sum().squareRoot() : mean
      return (direction * weight * -rate, [mean])
    }

    func makeEngine() -> any OptimizerEngine {
      var other = self
      other.rate = engineRate ?? rate
      return TensorEngine(other)
    }
  }

  private struct Options: Configurable {
    var rate: Float = 1
    static let settings = [Setting("rate", \Options.rate, "for tests")]
  }

  private static let catalog = [
    OptimizerEntry(Wrong.name, "for tests") { (options: Options) in Wrong(rate: options.rate) }
  ]

  private func expectFault(_ rule: Wrong, _ words: String) {
    let fault = #expect(throws: ConformanceFault.self) {
      try checkOptimizer(rule, catalog: Self.catalog)
    }
    #expect(fault?.description.contains(words) ?? false, "\(fault?.description ?? "")")
    #expect(fault?.subject == Wrong.name)
  }

  @Test("a rule without faults has none")
  func right() throws { try checkOptimizer(Wrong(rate: 0.5), catalog: Self.catalog) }

  @Test("names, files and shapes are looked at")
  func description() {
    expectFault(Wrong(names: ["rate", "rate"]), "given twice")
    expectFault(Wrong(forgetsRate: true), "options don't survive")
    #expect(throws: OptimizerError.self) { try checkOptimizer(Wrong()) }
    #expect(throws: ConformanceFault.self) {
      try checkOptimizer(Wrong(), catalog: Self.catalog, shapes: [])
    }
  }

  @Test("a gradient of 0 that gives NaN is found")
  func zeroGradient() { expectFault(Wrong(dividesByNorm: true), "not finite") }

  @Test("an engine that computes something else is found")
  func engine() { expectFault(Wrong(engineRate: 1.01), "not TensorEngine's") }

  @Test("a meta-gradient that misses a weight's part is found")
  func metaGradient() { expectFault(Wrong(hidesWeight: true), "meta-gradient is off") }
}
