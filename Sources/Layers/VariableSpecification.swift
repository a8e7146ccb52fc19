public import Tensors

/// Name, shape and initial value of a variable: a parameter or a constant of a problem.
public struct VariableSpecification: Sendable {
  /// The name, unique within its problem, as in `mlp/linear_0/w`.
  public let name: String
  /// The shape.
  public let shape: Shape
  /// How the initial value is drawn at every reset.
  public let initializer: Initializer

  /// A variable of the given name, shape and initial value.
  public init(_ name: String, _ shape: Shape, _ initializer: Initializer) {
    self.name = name
    self.shape = shape
    self.initializer = initializer
  }
}
