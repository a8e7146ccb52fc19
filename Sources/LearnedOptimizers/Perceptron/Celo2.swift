public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Celo2 (Moudgil et al., "Celo2", 2026, arXiv 2602.19142): a perceptron of 347 weights on features of
/// each parameter, whose direction is made orthogonal and normalized, so that the learning rate is the
/// user's.
///
/// Tensors of rank 0 and 1 are stepped by Adam at `adamMultiplier` times the learning rate (0.9, 0.95,
/// 1e-8, no bias correction). p <- p - lr step - lr decay p.
///
/// Where it differs from the published code: parameters that norms and embeddings hold are chosen by
/// rank alone.
public struct Celo2: TensorwiseOptimizer, PerceptronOptimizer {
  /// `Celo2`.
  public static let name = "Celo2"
  /// The learning rate.
  public let learningRate: Float
  /// The decoupled weight decay.
  public let weightDecay: Float
  /// How many times the learning rate Adam's is.
  public let adamMultiplier: Float
  let core: PerceptronCore

  /// Celo2 with a learning rate.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    learningRate: Float = 0.001, weightDecay: Float = 0, adamMultiplier: Float = 20,
    hidden: [Int] = [8, 8]
  ) {
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.adamMultiplier = adamMultiplier
    core = PerceptronCore(description: .celo2(hidden: hidden))
  }

  /// learning_rate, weight_decay, adam_multiplier and layers.
  public var options: [String: JSONValue] {
    [
      "learning_rate": .float(learningRate), "weight_decay": .float(weightDecay),
      "adam_multiplier": .float(adamMultiplier),
      "layers": .array(core.description.hidden.map { .number(Double($0)) }),
    ]
  }

  /// `w0`, `b0`, `w1`, `b1`, `w2`, `b2`.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// The accumulators; Adam's m and v for tensors of rank 0 and 1.
  public func initialState(of shape: Shape) -> [Tensor] {
    shape.rank < 2
      ? [.zeros(shape), .zeros(shape)]
      : core.description.stateShapes(of: shape).map { .zeros($0) }
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let p = step.parameter
    guard p.shape.rank >= 2 else {
      let g = step.gradient
      let m = state[0] * 0.9 + g * (1 - Float(0.9))
      let v = state[1] * 0.95 + g.squared() * (1 - Float(0.95))
      let direction = m * rsqrt(v + 1e-8)
      return (
        direction * -(learningRate * adamMultiplier) - p * (learningRate * weightDecay), [m, v]
      )
    }
    let (outputs, next) = core.outputs(step, state: state, weights: weights)
    let direction = normalized(
      orthogonalized(core.direction(outputs, parameter: p)), lastAxes: 2, epsilon: 1e-9)
    return (direction * -learningRate - p * (learningRate * weightDecay), next)
  }

  var isOrthogonal: Bool { true }
  var normalizesStep: Bool { true }
  var decayPerStep: Float { learningRate * weightDecay }
  var adamRate: Float { learningRate * adamMultiplier }
  func usesAdam(for shape: Shape) -> Bool { shape.rank < 2 }
  func stepSizes(_ input: StepInput, state: inout OptimizerState, weights: [Tensor]) -> [Float] {
    state.shapes.map { _ in learningRate }
  }
}

/// Celo2's learned rule for tensors of every rank, without orthogonal directions.
public struct Celo2Base: TensorwiseOptimizer, PerceptronOptimizer {
  /// `Celo2Base`.
  public static let name = "Celo2Base"
  /// The learning rate.
  public let learningRate: Float
  /// The decoupled weight decay.
  public let weightDecay: Float
  let core: PerceptronCore

  /// Celo2-base with a learning rate.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(learningRate: Float = 0.001, weightDecay: Float = 0, hidden: [Int] = [8, 8]) {
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    core = PerceptronCore(description: .celo2(hidden: hidden))
  }

  /// learning_rate, weight_decay and layers.
  public var options: [String: JSONValue] {
    [
      "learning_rate": .float(learningRate), "weight_decay": .float(weightDecay),
      "layers": .array(core.description.hidden.map { .number(Double($0)) }),
    ]
  }

  /// `w0`, `b0`, `w1`, `b1`, `w2`, `b2`.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// The accumulators.
  public func initialState(of shape: Shape) -> [Tensor] {
    core.description.stateShapes(of: shape).map { .zeros($0) }
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let p = step.parameter
    let (outputs, next) = core.outputs(step, state: state, weights: weights)
    let direction = normalized(
      core.direction(outputs, parameter: p), lastAxes: min(2, p.shape.rank), epsilon: 1e-9)
    return (direction * -learningRate - p * (learningRate * weightDecay), next)
  }

  var normalizesStep: Bool { true }
  var decayPerStep: Float { learningRate * weightDecay }
  func stepSizes(_ input: StepInput, state: inout OptimizerState, weights: [Tensor]) -> [Float] {
    state.shapes.map { _ in learningRate }
  }
}
