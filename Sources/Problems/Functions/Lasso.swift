public import Autodiff
internal import CKernels
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

extension Lasso: DirectGradient {
  private var rows: Int { constants[0].shape[0] }
  private var dimensions: Int { constants[0].shape[1] }

  /// Where the product is one for loops.
  package var findsGradients: Bool { rows * dimensions <= loopProductLimit }

  /// The squared distance and the penalty, and A'(A x - b) + l sign(x).
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    let (m, n) = (Int64(rows), Int64(dimensions))
    let x = parameters + offsets[0]
    let g = gradient + offsets[0]
    if memory.count < 2 * rows { memory = Tensor(uninitialized: Shape(vector: 2 * rows)) { _ in } }
    return memory.withUnsafeMutableFloats { rest in
      let squares = rest + rows
      return constants[0].withUnsafeFloats { a in
        ProductLog.note(m: rows, n: 1, k: dimensions)
        ck_batched_product_f32(1, m, 1, n, a, 0, 0, x, 0, 0, rest)
        constants[1].withUnsafeFloats { ck_binary_f32(CK_SUBTRACT, m, rest, $0, rest) }
        ck_unary_f32(CK_SQUARE, m, rest, squares)
        // The gradient's place holds |x| before.
        ck_unary_f32(CK_ABS, n, x, g)
        let loss =
          Float(ck_sum_f32(m, squares)) * 0.5 + Float(ck_sum_f32(n, g)) * penalty
        guard loss.isFinite else { return loss }
        ProductLog.note(m: dimensions, n: 1, k: rows, transposeA: true)
        ck_batched_product_f32(1, n, 1, m, a, 0, 1, rest, 0, 0, g)
        for index in 0..<dimensions where x[index] != 0 {
          g[index] += x[index] > 0 ? penalty : -penalty
        }
        return loss
      }
    }
  }
}
