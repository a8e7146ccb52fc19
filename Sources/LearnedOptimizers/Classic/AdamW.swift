public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101).
///
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     update = -lr (m' / (1 - b1^t) / (sqrt(v' / (1 - b2^t)) + epsilon) + decay p)
///
/// with t = 1 at the first step, as optax has it.
public struct AdamW: DecayedAdam {
  /// `AdamW`.
  public static let name = "AdamW"
  /// The constants.
  public let settings: AdamWSettings

  /// AdamW with these constants.
  public init(_ settings: AdamWSettings) { self.settings = settings }

  /// m' without its bias to 0.
  public func mean(_ m: Variable, _ gradient: Variable, _ index: Int) -> Variable {
    settings.adam.moments.mean(m, index)
  }
}

/// AdamW with Nesterov's momentum (Dozat, "Incorporating Nesterov momentum into Adam", 2016).
///
/// As `AdamW`, with b1 m' / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t) in place of m' / (1 - b1^t).
public struct NAdamW: DecayedAdam {
  /// `NAdamW`.
  public static let name = "NAdamW"
  /// The constants.
  public let settings: AdamWSettings

  /// NAdamW with these constants.
  public init(_ settings: AdamWSettings) { self.settings = settings }

  /// What m' would become with the same gradient once more.
  public func mean(_ m: Variable, _ gradient: Variable, _ index: Int) -> Variable {
    settings.adam.moments.lookedAhead(m, gradient, index)
  }
}

/// What AdamW and NAdamW share: all but which mean of the gradients is the direction.
public protocol DecayedAdam: TensorwiseOptimizer {
  /// The constants.
  var settings: AdamWSettings { get }

  /// The rule with these constants.
  init(_ settings: AdamWSettings)

  /// The mean of the gradients.
  ///
  /// - Parameters:
  ///   - m: the first moment, the gradient in it.
  ///   - index: how many steps were taken before.
  func mean(_ m: Variable, _ gradient: Variable, _ index: Int) -> Variable
}

extension DecayedAdam {
  /// The rule with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8,
    weightDecay: Float = 1e-4
  ) {
    var settings = AdamWSettings()
    settings.adam = AdamSettings(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
    settings.weightDecay = weightDecay
    self.init(settings)
  }

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] { settings.json }

  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// m and v.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let moments = settings.adam.moments
    let next = moments.next(step.gradient, state)
    let direction =
      mean(next[0], step.gradient, step.index) / moments.root(next[1], step.index)
    return (
      (direction + step.parameter * settings.weightDecay) * -settings.adam.learningRate, next
    )
  }
}
