public import Autodiff
public import Layers
public import Settings
public import Tensors

/// LAMB (You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2019,
/// https://arxiv.org/abs/1904.00962): Adam's direction in units of each tensor's own length.
///
///     r = m^ / (sqrt(v^) + epsilon) + decay p,  update = -lr |p| / |r| r
///
/// where |p| / |r| is taken as 1 if one of them is 0, as optax.lamb has it.
public struct LAMB: TensorwiseOptimizer {
  /// `LAMB`.
  public static let name = "LAMB"
  /// The constants.
  public let settings: LAMBSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// LAMB with these constants.
  public init(_ settings: LAMBSettings) { self.settings = settings }

  /// LAMB with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Float = 1e-6, weightDecay: Float = 0
  ) {
    var settings = LAMBSettings()
    settings.adam = AdamSettings(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
    settings.weightDecay = weightDecay
    self.init(settings)
  }

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] { settings.json }

  /// Parameters, for their lengths.
  public var inputs: StepInputs { .parameter }

  /// m and v.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let adam = settings.adam.moments
    let next = adam.next(step.gradient, state)
    let direction =
      adam.mean(next[0], step.index) / adam.root(next[1], step.index)
      + step.parameter * settings.weightDecay
    let (parameter, length) = (step.parameter.length, direction.length)
    let isScaled = parameter.value.scalar > 0 && length.value.scalar > 0
    let scaled = isScaled ? direction * (parameter / length) : direction
    return (scaled * -settings.adam.learningRate, next)
  }
}

extension Variable {
  /// The Euclidean norm of all elements.
  fileprivate var length: Variable { squared().sum().squareRoot() }
}

/// The constants of `LAMB`.
public struct LAMBSettings: Configurable, Equatable {
  /// Those of Adam.
  public var adam = AdamSettings(learningRate: 0.001, epsilon: 1e-6)
  /// The weight of the parameter itself.
  public var weightDecay: Float = 0

  /// The paper's constants.
  public init() {}

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public static let settings: [Setting<LAMBSettings>] =
    AdamSettings.settings.map { $0.within(\.adam) } + [.weightDecay(\.weightDecay)]
}
