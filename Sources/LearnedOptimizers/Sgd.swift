public import Autodiff
public import Tensors

/// Gradient descent, theta - learning_rate g, behind the protocol of learned optimizers.
public struct Sgd: LearnedOptimizer {
  /// `Sgd`.
  public static let name = "Sgd"
  /// The factor of the gradient.
  public let learningRate: Float
  /// None.
  public var weights = NamedTensors()

  /// Gradient descent with the given learning rate.
  public init(learningRate: Float = 0.001) { self.learningRate = learningRate }

  /// learning_rate.
  public var options: [String: JSONValue] { ["learning_rate": .number(Double(learningRate))] }

  /// No state.
  public var rowStateShapes: [Shape] { [] }

  /// -learning_rate g.
  public func update(gradient: Variable, state: [Variable], step: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    (gradient * -learningRate, [])
  }
}
