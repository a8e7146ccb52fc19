public import Autodiff
public import Layers
public import Tensors

/// f = sum over i of x_i^2 with scalars x_i that start at 1.
///
/// One dimension is the program's `simple` with the parameter `x`; more are `simple-multi` with
/// `x_0`, `x_1`, ...
public struct Simple: Problem {
  /// The parameters, scalars.
  public let parameters: [VariableSpecification]

  /// The problem of one scalar `x`.
  public init() { parameters = [VariableSpecification("x", .scalar, .constant(1))] }

  /// The problem of `dimensions` scalars `x_0`, `x_1`, ...
  public init(dimensions: Int) {
    precondition(dimensions > 0, "\(dimensions) dimensions")
    parameters = (0..<dimensions).map {
      VariableSpecification("x_\($0)", .scalar, .constant(1))
    }
  }

  /// The sum of squares.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    parameters.dropFirst().reduce(parameters[0].squared()) { $0 + $1.squared() }
  }
}
