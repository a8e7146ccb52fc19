public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Gradient descent, theta - learning_rate g, behind the protocol of learned optimizers.
public struct Sgd: RowwiseOptimizer {
  /// `Sgd`.
  public static let name = "Sgd"
  /// The factor of the gradient.
  public let learningRate: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Gradient descent with the given learning rate.
  public init(learningRate: Float = 0.001) { self.learningRate = learningRate }

  /// learning_rate.
  public var options: [String: JSONValue] { ["learning_rate": .float(learningRate)] }

  /// No state.
  public var rowStateShapes: [Shape] { [] }

  /// -learning_rate g.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    (gradient * -learningRate, [])
  }
}
