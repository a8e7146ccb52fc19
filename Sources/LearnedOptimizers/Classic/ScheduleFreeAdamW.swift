public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Schedule-free AdamW (Defazio et al., "The road less scheduled", 2024,
/// https://arxiv.org/abs/2405.15682): an average in place of a schedule.
///
///     u = -lr (g / (sqrt(v' / (1 - b2^t)) + epsilon) + decay y),  v' = b2 v + (1 - b2) g^2
///     z' = z + u,  x' = (1 - 1/t) x + z' / t,  y' = (1 - b1) z' + b1 x'
///
/// with t = 1 at the first step and z = x = y before it, as optax.contrib.schedule_free_adamw has it
/// for a constant learning rate. The parameters are y, where gradients are taken; losses are those at y
/// too, a little above those at the average x, which the paper evaluates. The state holds z - y and v.
public struct ScheduleFreeAdamW: TensorwiseOptimizer {
  /// `ScheduleFreeAdamW`.
  public static let name = "ScheduleFreeAdamW"
  /// The constants.
  public let settings: ScheduleFreeSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// The rule with these constants.
  ///
  /// - Precondition: beta1 above 0.
  public init(_ settings: ScheduleFreeSettings) {
    precondition(settings.adam.beta1 > 0, "beta1 of \(settings.adam.beta1)")
    self.settings = settings
  }

  /// The rule with the given constants.
  ///
  /// - Precondition: beta1 above 0.
  public init(
    learningRate: Float = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Float = 1e-8, weightDecay: Float = 0
  ) {
    var settings = ScheduleFreeSettings()
    settings.adam = AdamSettings(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
    settings.weightDecay = weightDecay
    self.init(settings)
  }

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] { settings.json }

  /// Parameters, if they decay.
  public var inputs: StepInputs { settings.weightDecay == 0 ? [] : .parameter }

  /// z - y and v.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let moments = settings.adam.moments
    let (learningRate, weightDecay) = (settings.adam.learningRate, settings.weightDecay)
    let beta = Float(moments.beta1)
    let v = moments.next(step.gradient, [state[0], state[1]])[1]
    var direction = step.gradient / moments.root(v, step.index)
    if weightDecay != 0 { direction = direction + step.parameter * weightDecay }
    // Places relative to y: z' and the old x, whose distances from y are in the ratio b1 - 1 to b1.
    let z = state[0] - direction * learningRate
    let x = state[0] * ((beta - 1) / beta)
    let share = 1 / Float(step.index + 1)
    let average = x * (1 - share) + z * share
    let update = average * beta + z * (1 - beta)
    return (update, [z - update, v])
  }
}
