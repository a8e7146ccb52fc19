public import Autodiff
public import Layers
public import Tensors

/// f = (1/2) |A x - b|^2 + l |x|_1: least squares that prefer zeros.
///
/// As in "Learning to optimize: a primer and a benchmark" (Chen et al., 2021). Parameter `x` [D] starts
/// at N(0, 1); constants `a` [rows, D] from N(0, 1 / rows), so that columns have length 1 on average, and
/// `b` [rows] from N(0, 1). Where an x_i is 0 the derivative of its absolute value is taken as 0.
public struct Lasso: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]
  /// The constants a [rows, D] and b [rows].
  public let constants: [VariableSpecification]
  private let penalty: Float

  /// A problem with `rows` equations for `dimensions` numbers.
  ///
  /// - Precondition: numbers above 0.
  public init(rows: Int = 25, dimensions: Int = 50, penalty: Float = 0.005) {
    precondition(rows > 0 && dimensions > 0, "\(rows) rows, \(dimensions) dimensions")
    self.penalty = penalty
    parameters = [
      VariableSpecification("x", [dimensions], .normal(standardDeviation: 1))
    ]
    constants = [
      VariableSpecification(
        "a", [rows, dimensions], .normal(standardDeviation: 1 / Float(rows).squareRoot())),
      VariableSpecification("b", [rows], .normal(standardDeviation: 1)),
    ]
  }

  /// The squared distance and the penalty.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0]
    let column = x.reshaped(to: Shape(rows: x.shape.count, columns: 1))
    let product = Variable.product(Variable(constants[0]), column)
    let rest = product - Variable(constants[1].reshaped(to: product.shape))
    return rest.squared().sum() * 0.5 + x.absolute().sum() * penalty
  }
}
