public import Autodiff
public import Layers
public import Tensors

/// f = (x^2 + y - 11)^2 + (x + y^2 - 7)^2: four valleys as deep as each other.
///
/// D. M. Himmelblau, "Applied nonlinear programming", 1972. Parameter `x` [2] starts uniformly in
/// [-5, 5) x [-5, 5); the minimum is 0, at (3, 2) and three other places.
public struct Himmelblau: Problem {
  /// The parameter x [2].
  public let parameters: [VariableSpecification]

  /// The function of two variables.
  public init() { parameters = [VariableSpecification("x", [2], .uniformBetween(-5, 5))] }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0].slice(axis: 0, from: 0, count: 1)
    let y = parameters[0].slice(axis: 0, from: 1, count: 1)
    return ((x.squared() + y + -11).squared() + (x + y.squared() + -7).squared()).sum()
  }
}
