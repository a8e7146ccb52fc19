public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023,
/// https://arxiv.org/abs/2302.06675): the sign of a momentum, with decoupled weight decay.
///
///     update = -lr (sign(b1 m + (1 - b1) g) + decay p),  m' = b2 m + (1 - b2) g
///
/// The sign's derivative is 0.
public struct Lion: TensorwiseOptimizer {
  /// `Lion`.
  public static let name = "Lion"
  /// The constants.
  public let settings: LionSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Lion with these constants.
  public init(_ settings: LionSettings) { self.settings = settings }

  /// Lion with the given constants.
  public init(
    learningRate: Float = 0.0001, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Float = 1e-3
  ) {
    var settings = LionSettings()
    (settings.learningRate, settings.weightDecay) = (learningRate, weightDecay)
    (settings.beta1, settings.beta2) = (beta1, beta2)
    self.init(settings)
  }

  /// learning_rate, beta1, beta2 and weight_decay.
  public var options: [String: JSONValue] { settings.json }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// m.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    func mixed(_ beta: Double) -> Variable {
      state[0] * Float(beta) + step.gradient * Float(1 - beta)
    }
    let direction = Variable(mixed(settings.beta1).value.sign())
    return (
      (direction + step.parameter * settings.weightDecay) * -settings.learningRate,
      [mixed(settings.beta2)]
    )
  }
}

/// The constants of `Lion`.
public struct LionSettings: Configurable, Equatable {
  /// The step size.
  public var learningRate: Float = 0.0001
  /// The momentum's weight in the step's direction.
  public var beta1 = 0.9
  /// The momentum's decay.
  public var beta2 = 0.99
  /// The weight of the parameter itself.
  public var weightDecay: Float = 1e-3

  /// The paper's constants.
  public init() {}

  /// learning_rate, beta1, beta2 and weight_decay.
  public static let settings: [Setting<LionSettings>] = [
    .learningRate(\.learningRate),
    Setting(
      "beta1", \.beta1, in: .atLeast(0, below: 1), "the momentum's weight in the direction"),
    Setting("beta2", \.beta2, in: .atLeast(0, below: 1), "the momentum's decay"),
    .weightDecay(\.weightDecay),
  ]
}
