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
  /// The step size.
  public let learningRate: Float
  /// The momentum's weight in the step's direction.
  public let beta1: Double
  /// The momentum's decay.
  public let beta2: Double
  /// The weight of the parameter itself.
  public let weightDecay: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Lion with the given constants.
  public init(
    learningRate: Float = 0.0001, beta1: Double = 0.9, beta2: Double = 0.99,
    weightDecay: Float = 1e-3
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
  }

  /// learning_rate, beta1, beta2 and weight_decay.
  public var options: [String: JSONValue] {
    [
      "learning_rate": .float(learningRate), "beta1": .number(beta1), "beta2": .number(beta2),
      "weight_decay": .float(weightDecay),
    ]
  }

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
    let direction = Variable(mixed(beta1).value.sign())
    return ((direction + step.parameter * weightDecay) * -learningRate, [mixed(beta2)])
  }
}
