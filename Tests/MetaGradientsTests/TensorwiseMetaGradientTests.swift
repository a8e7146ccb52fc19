import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import Problems
import Settings
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// A rule of whole tensors that looks at all there is, or at gradients alone.
///
/// Every weight has a part in the updates, and every part of the state in those of later steps.
private struct Curious: TensorwiseOptimizer {
  static let name = "Curious"
  let inputs: StepInputs
  var options: [String: JSONValue] { [:] }
  let weights = [
    VariableSpecification("rates", [3], .constant(0.08)),
    VariableSpecification("pull", .scalar, .constant(0.05)),
    VariableSpecification("size", [1, 1], .constant(0.3)),
  ]

  func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros([1])] }

  func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let g = step.gradient
    let momentum = state[0] * 0.5 + g * 0.5
    // A statistic of the tensor.
    let scale = (state[1] + g.squared().mean() * weights[2].reshaped(to: [1])).tanh()
    func rate(_ index: Int) -> Variable {
      weights[0].slice(axis: 0, from: index, count: 1).reshaped(to: .scalar)
    }
    var update = momentum * rate(0) + g.tanh() * rate(1) + g * scale.reshaped(to: .scalar) * rate(2)
    if inputs.contains(.parameter) { update = update + step.parameter.tanh() * weights[1] }
    if inputs.contains(.loss) { update = update + g.tanh() * (step.loss * weights[1]).tanh() }
    if inputs.contains(.progress), let count = step.count {
      update = update * (1 - Float(step.index) / Float(count))
    }
    return (update * -1, [momentum, scale])
  }
}

/// |A v - y|^2 / n + sum of cos(v) / 4 for v = both parameters joined.
private struct Wavy: Problem {
  let parameters = [
    VariableSpecification("matrix", [2, 3], .normal(standardDeviation: 1)),
    VariableSpecification("vector", [4], .normal(standardDeviation: 1)),
  ]
  let constants = [
    VariableSpecification("a", [10, 10], .normal(standardDeviation: 0.3)),
    VariableSpecification("y", [10, 1], .normal(standardDeviation: 1)),
  ]

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let joined = parameters[0].reshaped(to: [6, 1])
      .concatenated(with: parameters[1].reshaped(to: [4, 1]), axis: 0)
    let distance = Variable.product(Variable(constants[0]), joined) - Variable(constants[1])
    return distance.squared().mean() + joined.tanh().squared().sum() * 0.25
  }
}

@Suite("Meta-gradients of tensorwise rules")
struct TensorwiseMetaGradientTests {
  private static let inputs: [StepInputs] = [
    [], .parameter, .loss, .progress, [.parameter, .loss, .progress],
  ]
  private static let steps = 5

  private func setUp(_ inputs: StepInputs) throws -> (Unroller, NamedTensors, Optimizee) {
    let rule = Weighted(Curious(inputs: inputs), seed: 0)
    let unroller = try experiment(Wavy(), rule).makeUnroller()
    return (unroller, rule.weights, unroller.makeOptimizee(key(), plannedSteps: 8))
  }

  /// The central difference of fourth order along a random direction of length 1.
  private func difference(
    at point: Tensor, seed: Int, of function: (Tensor) throws -> Double
  ) rethrows -> (quotient: Double, direction: Tensor) {
    let raw = Tensor.random(point.shape, seed: 70 + seed)
    let direction = raw.affine(scale: Float(1 / raw.dot(raw).squareRoot()), offset: 0)
    let h: Float = 0.03125
    func at(_ factor: Float) throws -> Double {
      try function(point + direction.affine(scale: factor * h, offset: 0))
    }
    let quotient = (8 * (try at(1) - at(-1)) - (try at(2) - at(-2))) / (12 * Double(h))
    return (quotient, direction)
  }

  private func expect(
    _ gradient: [Double], at weights: NamedTensors, _ metaLoss: (NamedTensors) throws -> Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) rethrows {
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(norm > 0.1, sourceLocation: sourceLocation)
    for seed in 0..<4 {
      let found = try difference(at: weights.flattened, seed: seed) {
        try metaLoss(weights.unflattening($0))
      }
      let exact = zip(gradient, found.direction.elements).reduce(0) { $0 + $1.0 * Double($1.1) }
      // Rounding of a sum of losses near 10, 1e-6, over the step 0.03.
      #expect(
        abs(found.quotient - exact) < 1e-4 + 1e-3 * norm, "\(found.quotient) and \(exact)",
        sourceLocation: sourceLocation)
    }
  }

  @Test("in second order they are the derivatives of the meta-loss", arguments: inputs)
  func secondOrder(inputs: StepInputs) throws {
    let (unroller, weights, start) = try setUp(inputs)
    // From a state that is not zero.
    var later = start
    _ = try unroller.walk(&later, steps: 2)
    for start in [start, later] {
      unroller.load([weights])
      var optimizee = start
      let gradient = try unroller.unroll(&optimizee, steps: Self.steps, .second()).gradients[0]
      try expect(gradient, at: weights) { changed in
        unroller.load([changed])
        var optimizee = start
        return MetaLoss.sum.value(try unroller.walk(&optimizee, steps: Self.steps))
      }
    }
  }

  @Test("in first order they are those with gradients and losses held fixed", arguments: inputs)
  func firstOrder(inputs: StepInputs) throws {
    let (unroller, weights, start) = try setUp(inputs)
    var optimizee = start
    let gradient = try unroller.unroll(&optimizee, steps: Self.steps).gradients[0]
    // What the rule sees on its way.
    var point = start
    var seen: [(loss: Float, gradient: Tensor)] = []
    for _ in 0..<Self.steps {
      var look = point
      seen.append(try unroller.lossAndGradient(&look))
      _ = try unroller.step(&point)
    }
    let engine = TensorEngine(Curious(inputs: inputs))
    try expect(gradient, at: weights) { changed in
      engine.load(changed)
      var optimizee = start
      var sum = Double(try unroller.finalLoss(&optimizee))
      for (loss, gradient) in seen {
        let update = engine.step(
          StepInput(
            gradient: gradient, parameters: optimizee.parameters, loss: loss,
            count: optimizee.plannedSteps), state: &optimizee.states[0])
        optimizee.parameters = optimizee.parameters + update
        sum += Double(try unroller.finalLoss(&optimizee))
      }
      return sum
    }
  }

  @Test("what a rule looks at changes its updates and meta-gradients")
  func looking() throws {
    var found: Set<[Float]> = []
    for inputs in Self.inputs {
      let (unroller, _, start) = try setUp(inputs)
      #expect(unroller.looksAtMore == !inputs.isEmpty)
      var optimizee = start
      let gradient = try unroller.unroll(&optimizee, steps: Self.steps)
      found.insert(optimizee.parameters.elements)
      found.insert(gradient.gradients[0].map { Float($0) })
    }
    #expect(found.count == 2 * Self.inputs.count)
  }

  @Test("the limits of second derivatives hold for rules that look at more, too")
  func limits() throws {
    let (unroller, _, start) = try setUp([.parameter, .loss])
    func gradient(_ order: TruncatedBackpropagation.Order) throws -> [Double] {
      var optimizee = start
      return try unroller.unroll(&optimizee, steps: Self.steps, order).gradients[0]
    }
    let whole = try gradient(.second())
    #expect(try gradient(.second(limit: 1e9)) == whole)
    #expect(try gradient(.second(limit: 0.5)) != whole)
    #expect(try gradient(.second(smoothing: 1)) != whole)
    #expect(try gradient(.first) != whole)
  }
}
