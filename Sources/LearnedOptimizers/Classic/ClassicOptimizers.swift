public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Gradient descent with momentum (Polyak, 1964): v' = mu v + g, update = -lr v'.
public struct Momentum: RowwiseOptimizer {
  /// `Momentum`.
  public static let name = "Momentum"
  /// The constants lr and mu.
  public let settings: MomentumSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Momentum with these constants.
  public init(_ settings: MomentumSettings) { self.settings = settings }

  /// Momentum with the given constants.
  public init(learningRate: Float = 0.001, momentum: Float = 0.9) {
    var settings = MomentumSettings()
    (settings.learningRate, settings.momentum) = (learningRate, momentum)
    self.init(settings)
  }

  /// learning_rate and momentum.
  public var options: [String: JSONValue] { settings.json }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * settings.momentum + gradient
    return (v * -settings.learningRate, [v])
  }
}

/// Nesterov's accelerated gradient in the form of Sutskever, Martens, Dahl and Hinton ("On the
/// importance of initialization and momentum in deep learning", 2013) as frameworks have it:
/// v' = mu v + g, update = -lr (g + mu v').
public struct NAG: RowwiseOptimizer {
  /// `NAG`.
  public static let name = "NAG"
  /// The constants lr and mu.
  public let settings: MomentumSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Accelerated gradient with these constants.
  public init(_ settings: MomentumSettings) { self.settings = settings }

  /// Accelerated gradient with the given constants.
  public init(learningRate: Float = 0.001, momentum: Float = 0.9) {
    var settings = MomentumSettings()
    (settings.learningRate, settings.momentum) = (learningRate, momentum)
    self.init(settings)
  }

  /// learning_rate and momentum.
  public var options: [String: JSONValue] { settings.json }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * settings.momentum + gradient
    return ((gradient + v * settings.momentum) * -settings.learningRate, [v])
  }
}

/// RMSprop (Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012):
/// v' = rho v + (1 - rho) g^2, update = -lr g / (sqrt(v') + epsilon).
public struct RMSprop: RowwiseOptimizer {
  /// `RMSprop`.
  public static let name = "RMSprop"
  /// The constants lr, rho and epsilon.
  public let settings: RMSpropSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// RMSprop with these constants.
  public init(_ settings: RMSpropSettings) { self.settings = settings }

  /// RMSprop with the given constants.
  public init(learningRate: Float = 0.001, decay: Float = 0.9, epsilon: Float = 1e-8) {
    var settings = RMSpropSettings()
    (settings.learningRate, settings.decay, settings.epsilon) = (learningRate, decay, epsilon)
    self.init(settings)
  }

  /// learning_rate, decay and epsilon.
  public var options: [String: JSONValue] { settings.json }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * settings.decay + gradient.squared() * (1 - settings.decay)
    return (gradient * -settings.learningRate / (v.squareRoot() + settings.epsilon), [v])
  }
}

/// The constants of `Momentum` and `NAG`.
public struct MomentumSettings: Configurable, Equatable {
  /// The step size.
  public var learningRate: Float = 0.001
  /// The momentum's decay.
  public var momentum: Float = 0.9

  /// The usual constants.
  public init() {}

  /// learning_rate and momentum.
  public static let settings: [Setting<MomentumSettings>] = [
    .learningRate(\.learningRate),
    Setting("momentum", \.momentum, in: .atLeast(0, below: 1), "the momentum's decay"),
  ]
}

/// The constants of `RMSprop`.
public struct RMSpropSettings: Configurable, Equatable {
  /// The step size.
  public var learningRate: Float = 0.001
  /// The decay of the mean square.
  public var decay: Float = 0.9
  /// Added to the root.
  public var epsilon: Float = 1e-8

  /// The usual constants.
  public init() {}

  /// learning_rate, decay and epsilon.
  public static let settings: [Setting<RMSpropSettings>] = [
    .learningRate(\.learningRate),
    Setting("decay", \.decay, in: .atLeast(0, below: 1), "the decay of the mean square"),
    Setting("epsilon", \.epsilon, in: .atLeast(0), "added to the mean square's root"),
  ]
}
