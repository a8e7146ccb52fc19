public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Gradient descent with momentum (Polyak, 1964): v' = mu v + g, update = -lr v'.
public struct Momentum: RowwiseOptimizer {
  /// `Momentum`.
  public static let name = "Momentum"
  /// The step size lr.
  public let learningRate: Float
  /// The decay mu.
  public let momentum: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Momentum with the given constants.
  public init(learningRate: Float = 0.001, momentum: Float = 0.9) {
    self.learningRate = learningRate
    self.momentum = momentum
  }

  /// learning_rate and momentum.
  public var options: [String: JSONValue] {
    ["learning_rate": .float(learningRate), "momentum": .float(momentum)]
  }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * momentum + gradient
    return (v * -learningRate, [v])
  }
}

/// Nesterov's accelerated gradient in the form of Sutskever, Martens, Dahl and Hinton ("On the
/// importance of initialization and momentum in deep learning", 2013) as frameworks have it:
/// v' = mu v + g, update = -lr (g + mu v').
public struct NAG: RowwiseOptimizer {
  /// `NAG`.
  public static let name = "NAG"
  /// The step size lr.
  public let learningRate: Float
  /// The decay mu.
  public let momentum: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Accelerated gradient with the given constants.
  public init(learningRate: Float = 0.001, momentum: Float = 0.9) {
    self.learningRate = learningRate
    self.momentum = momentum
  }

  /// learning_rate and momentum.
  public var options: [String: JSONValue] {
    ["learning_rate": .float(learningRate), "momentum": .float(momentum)]
  }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * momentum + gradient
    return ((gradient + v * momentum) * -learningRate, [v])
  }
}

/// RMSprop (Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012):
/// v' = rho v + (1 - rho) g^2, update = -lr g / (sqrt(v') + epsilon).
public struct RMSprop: RowwiseOptimizer {
  /// `RMSprop`.
  public static let name = "RMSprop"
  /// The step size lr.
  public let learningRate: Float
  /// The decay rho.
  public let decay: Float
  /// Added to the root.
  public let epsilon: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// RMSprop with the given constants.
  public init(learningRate: Float = 0.001, decay: Float = 0.9, epsilon: Float = 1e-8) {
    self.learningRate = learningRate
    self.decay = decay
    self.epsilon = epsilon
  }

  /// learning_rate, decay and epsilon.
  public var options: [String: JSONValue] {
    [
      "learning_rate": .float(learningRate), "decay": .float(decay),
      "epsilon": .float(epsilon),
    ]
  }

  /// v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let v = state[0] * decay + gradient.squared() * (1 - decay)
    return (gradient * -learningRate / (v.squareRoot() + epsilon), [v])
  }
}
