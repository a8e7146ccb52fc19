public import Tensors

struct MatrixProduct: Primitive {
  let transposeA: Bool
  let transposeB: Bool
  let kernel: ProductKernel

  // C = op(A) op(B): dA = dC op(B)' and dB = op(A)' dC, each transposed once more if its operand is.
  func pullback(_ site: inout Pullback) {
    let dC = site.cotangent
    if site.needs(0) {
      let b = site.operand(1)
      site.accumulate(
        transposeA
          ? Variable.product(b, dC, transposeA: transposeB, transposeB: true, kernel: kernel)
          : Variable.product(dC, b, transposeB: !transposeB, kernel: kernel), into: 0)
    }
    if site.needs(1) {
      let a = site.operand(0)
      site.accumulate(
        transposeB
          ? Variable.product(dC, a, transposeA: true, transposeB: transposeA, kernel: kernel)
          : Variable.product(a, dC, transposeA: !transposeA, kernel: kernel), into: 1)
    }
  }
}

extension Variable {
  /// The matrix product of two matrices or of two batches of matrices; see `Tensor.product`.
  public static func product(
    _ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false,
    kernel: ProductKernel = .standard
  ) -> Variable {
    apply(
      MatrixProduct(transposeA: transposeA, transposeB: transposeB, kernel: kernel), a, b,
      value: Tensor.product(
        a.value, b.value, transposeA: transposeA, transposeB: transposeB, kernel: kernel))
  }
}
