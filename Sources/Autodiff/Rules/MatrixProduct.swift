internal import Tensors

struct MatrixProduct: Primitive {
  let transposeA: Bool
  let transposeB: Bool

  // C = op(A) op(B): dA = dC op(B)' and dB = op(A)' dC, each transposed once more if its operand is.
  func pullback(_ site: inout Pullback) {
    let dC = site.cotangent
    if site.needs(0) {
      let b = site.operand(1)
      site.accumulate(
        transposeA
          ? Variable.product(b, dC, transposeA: transposeB, transposeB: true)
          : Variable.product(dC, b, transposeB: !transposeB), into: 0)
    }
    if site.needs(1) {
      let a = site.operand(0)
      site.accumulate(
        transposeB
          ? Variable.product(dC, a, transposeA: true, transposeB: transposeA)
          : Variable.product(a, dC, transposeA: !transposeA), into: 1)
    }
  }
}

extension Variable {
  /// The matrix product of two matrices or of two batches of matrices; see `Tensor.product`.
  public static func product(
    _ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false
  ) -> Variable {
    apply(
      MatrixProduct(transposeA: transposeA, transposeB: transposeB), a, b,
      value: Tensor.product(a.value, b.value, transposeA: transposeA, transposeB: transposeB))
  }
}
