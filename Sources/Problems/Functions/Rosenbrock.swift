public import Autodiff
public import Layers
public import Tensors

/// f = sum over i of 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2: a long, bent valley.
///
/// H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960.
/// Parameter `x` [D] starts uniformly in [-2, 2); the minimum is 0 at (1, ..., 1).
public struct Rosenbrock: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]
  private let dimensions: Int

  /// The function of `dimensions` variables.
  ///
  /// - Precondition: two at least.
  public init(dimensions: Int = 2) {
    precondition(dimensions >= 2, "\(dimensions) dimensions")
    self.dimensions = dimensions
    parameters = [VariableSpecification("x", [dimensions], .uniformBetween(-2, 2))]
  }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let head = parameters[0].slice(axis: 0, from: 0, count: dimensions - 1)
    let tail = parameters[0].slice(axis: 0, from: 1, count: dimensions - 1)
    let valley = (tail - head.squared()).squared() * 100
    return (valley + head.affine(scale: -1, offset: 1).squared()).sum()
  }
}
