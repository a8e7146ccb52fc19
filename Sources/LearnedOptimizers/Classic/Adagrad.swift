public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Adagrad (Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", 2011): s' = s + g^2, update = -lr g / (sqrt(s') + epsilon).
public struct Adagrad: RowwiseOptimizer {
  /// `Adagrad`.
  public static let name = "Adagrad"
  /// The constants.
  public let settings: AdagradSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Adagrad with these constants.
  public init(_ settings: AdagradSettings) { self.settings = settings }

  /// Adagrad with the given constants.
  public init(learningRate: Float = 0.01, epsilon: Float = 1e-10) {
    var settings = AdagradSettings()
    (settings.learningRate, settings.epsilon) = (learningRate, epsilon)
    self.init(settings)
  }

  /// learning_rate and epsilon.
  public var options: [String: JSONValue] { settings.json }

  /// s.
  public var rowStateShapes: [Shape] { [Shape(vector: 1)] }

  /// One step.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let sum = state[0] + gradient.squared()
    return (gradient * -settings.learningRate / (sum.squareRoot() + settings.epsilon), [sum])
  }
}

/// The constants of `Adagrad`.
public struct AdagradSettings: Configurable, Equatable {
  /// The step size.
  public var learningRate: Float = 0.01
  /// Added to the root.
  public var epsilon: Float = 1e-10

  /// The usual constants.
  public init() {}

  /// learning_rate and epsilon.
  public static let settings: [Setting<AdagradSettings>] = [
    .learningRate(\.learningRate),
    Setting("epsilon", \.epsilon, in: .atLeast(0), "added to the root of the sum of squares"),
  ]
}
