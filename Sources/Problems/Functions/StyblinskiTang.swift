public import Autodiff
public import Layers
public import Tensors

/// f = sum over i of (x_i^4 - 16 x_i^2 + 5 x_i) / 2 + 39.16617: two valleys in each direction, one of
/// them deeper.
///
/// M. A. Styblinski, T.-S. Tang, "Experiments in nonconvex optimization", 1990; shifted so that the
/// minimum, at x_i = -2.903534, is 0. Parameter `x` [D] starts uniformly in [-5, 5).
public struct StyblinskiTang: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]

  /// The function of `dimensions` variables.
  ///
  /// - Precondition: one dimension at least.
  public init(dimensions: Int = 2) {
    precondition(dimensions >= 1, "\(dimensions) dimensions")
    parameters = [VariableSpecification("x", [dimensions], .uniformBetween(-5, 5))]
  }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0]
    let square = x.squared()
    let terms = square.squared() - square * 16 + x * 5
    return terms.affine(scale: 0.5, offset: 39.166_165_7).sum()
  }
}
