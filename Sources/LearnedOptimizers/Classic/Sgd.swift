public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Gradient descent, theta - learning_rate g, behind the protocol of learned optimizers.
public struct Sgd: RowwiseOptimizer {
  /// `Sgd`.
  public static let name = "Sgd"
  /// The constants.
  public let settings: SgdSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Gradient descent with these constants.
  public init(_ settings: SgdSettings) { self.settings = settings }

  /// Gradient descent with the given learning rate.
  public init(learningRate: Float = 0.001) {
    var settings = SgdSettings()
    settings.learningRate = learningRate
    self.init(settings)
  }

  /// learning_rate.
  public var options: [String: JSONValue] { settings.json }

  /// No state.
  public var rowStateShapes: [Shape] { [] }

  /// -learning_rate g.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    (gradient * -settings.learningRate, [])
  }
}

/// The constants of `Sgd`.
public struct SgdSettings: Configurable, Equatable {
  /// The factor of the gradient.
  public var learningRate: Float = 0.001

  /// The usual one.
  public init() {}

  /// learning_rate.
  public static let settings: [Setting<SgdSettings>] = [.learningRate(\.learningRate)]
}
