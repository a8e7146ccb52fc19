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
  /// The sizes of steps: the learned directions do not depend on them.
  public static let adjustableOptions: Set<String> = [
    "learning_rate", "weight_decay", "schedule", "graft", "adam_multiplier",
  ]
  /// The constants.
  public let settings: Celo2Settings
  let core: PerceptronCore

  /// Celo2 with these options.
  public init(_ settings: Celo2Settings) {
    self.settings = settings
    core = PerceptronCore(description: .celo2(hidden: settings.base.hidden))
  }

  /// Celo2 with a learning rate.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    learningRate: Float = 0.001, weightDecay: Float = 0, adamMultiplier: Float = 20,
    hidden: [Int] = [8, 8]
  ) {
    var settings = Celo2Settings()
    (settings.base.learningRate, settings.base.weightDecay) = (learningRate, weightDecay)
    (settings.base.hidden, settings.adamMultiplier) = (hidden, adamMultiplier)
    self.init(settings)
  }

  /// learning_rate, weight_decay, schedule, graft, adam_multiplier and layers.
  ///
  /// A schedule that stays and a graft of 0 are left out, as files of earlier versions have them.
  public var options: [String: JSONValue] { settings.base.leavingOutUnused(of: settings.json) }

  private var learningRate: Float { settings.base.learningRate }
  private var weightDecay: Float { settings.base.weightDecay }
  private var adamMultiplier: Float { settings.adamMultiplier }

  /// `w0`, `b0`, `w1`, `b1`, `w2`, `b2`.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters; progress where the rate does not stay.
  public var inputs: StepInputs { rateSchedule.inputs.union(.parameter) }

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
    let learningRate = learningRate * Float(rateSchedule.factor(step: step.index, of: step.count))
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
    let direction = core.sized(
      orthogonalized(core.direction(outputs, parameter: p)), state: next, step.index, graft)
    return (direction * -learningRate - p * (learningRate * weightDecay), next)
  }

  var isOrthogonal: Bool { true }
  var normalizesStep: Bool { true }
  var decayPerStep: Float { learningRate * weightDecay }
  var adamRate: Float { learningRate * adamMultiplier }
  func usesAdam(for shape: Shape) -> Bool { shape.rank < 2 }
  var stepSize: Float { learningRate }
  var rateSchedule: RateSchedule { settings.base.schedule }
  var graft: Float { settings.base.graft }
}

/// Celo2's learned rule for tensors of every rank, without orthogonal directions.
public struct Celo2Base: TensorwiseOptimizer, PerceptronOptimizer {
  /// `Celo2Base`.
  public static let name = "Celo2Base"
  /// The sizes of steps: the learned directions do not depend on them.
  public static let adjustableOptions: Set<String> = [
    "learning_rate", "weight_decay", "schedule", "graft",
  ]
  /// The constants.
  public let settings: Celo2BaseSettings
  let core: PerceptronCore

  /// Celo2-base with these options.
  public init(_ settings: Celo2BaseSettings) {
    self.settings = settings
    core = PerceptronCore(description: .celo2(hidden: settings.hidden))
  }

  /// Celo2-base with a learning rate.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(learningRate: Float = 0.001, weightDecay: Float = 0, hidden: [Int] = [8, 8]) {
    var settings = Celo2BaseSettings()
    (settings.learningRate, settings.weightDecay) = (learningRate, weightDecay)
    settings.hidden = hidden
    self.init(settings)
  }

  /// learning_rate, weight_decay, schedule, graft and layers.
  ///
  /// A schedule that stays and a graft of 0 are left out, as files of earlier versions have them.
  public var options: [String: JSONValue] { settings.leavingOutUnused(of: settings.json) }

  private var learningRate: Float { settings.learningRate }
  private var weightDecay: Float { settings.weightDecay }

  /// `w0`, `b0`, `w1`, `b1`, `w2`, `b2`.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters; progress where the rate does not stay.
  public var inputs: StepInputs { rateSchedule.inputs.union(.parameter) }

  /// The accumulators.
  public func initialState(of shape: Shape) -> [Tensor] {
    core.description.stateShapes(of: shape).map { .zeros($0) }
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let p = step.parameter
    let learningRate = learningRate * Float(rateSchedule.factor(step: step.index, of: step.count))
    let (outputs, next) = core.outputs(step, state: state, weights: weights)
    let direction = core.sized(
      core.direction(outputs, parameter: p), state: next, step.index, graft)
    return (direction * -learningRate - p * (learningRate * weightDecay), next)
  }

  var normalizesStep: Bool { true }
  var decayPerStep: Float { learningRate * weightDecay }
  var stepSize: Float { learningRate }
  var rateSchedule: RateSchedule { settings.schedule }
  var graft: Float { settings.graft }
}
