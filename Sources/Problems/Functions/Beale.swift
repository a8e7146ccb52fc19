public import Autodiff
public import Layers
public import Tensors

/// f = (1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2: a plain with steep walls.
///
/// E. M. L. Beale, "On an iterative method for finding a local minimum of a function of more than one
/// variable", 1958. Parameter `x` [2] starts uniformly in [-2, 2) x [-2, 2); the minimum is 0 at
/// (3, 0.5).
public struct Beale: Problem {
  /// The parameter x [2].
  public let parameters: [VariableSpecification]

  /// The function of two variables.
  public init() { parameters = [VariableSpecification("x", [2], .uniformBetween(-2, 2))] }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0].slice(axis: 0, from: 0, count: 1)
    let y = parameters[0].slice(axis: 0, from: 1, count: 1)
    let square = y.squared()
    let powers = Variable.concatenated([y, square, square * y], axis: 0)
    let walls = Variable(Tensor([1.5, 2.25, 2.625])) + x * (powers + -1)
    return walls.squared().sum()
  }
}
