internal import CKernels
internal import COpenBLAS

extension Tensor {
  /// The matrix product op(a) op(b), where op transposes the last two axes if asked.
  ///
  /// Matrices [m, k] and [k, n] give [m, n]; batches [b, m, k] and [b, k, n] give [b, m, n].
  /// 2 b m n k FLOP. Large products go to OpenBLAS on one thread,
  /// batches of small ones (as in `quadratic`) to a loop of ours, where a BLAS call would cost more
  /// than the product.
  ///
  /// - Precondition: both of rank 2 or both of rank 3, inner extents and batches equal.
  public static func product(
    _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false
  ) -> Tensor {
    let rank = a.shape.rank
    demand(
      rank == b.shape.rank && (rank == 2 || rank == 3),
      "matrix product of shapes \(a.shape) and \(b.shape)")
    let (m, k) = transposeA ? (a.shape[-1], a.shape[-2]) : (a.shape[-2], a.shape[-1])
    let (inner, n) = transposeB ? (b.shape[-1], b.shape[-2]) : (b.shape[-2], b.shape[-1])
    demand(
      k == inner && (rank == 2 || a.shape[0] == b.shape[0]),
      "matrix product of shapes \(a.shape)\(transposeA ? " transposed" : "") and "
        + "\(b.shape)\(transposeB ? " transposed" : "")")
    let batch = rank == 3 ? a.shape[0] : 1
    let shape = rank == 3 ? Shape([batch, m, n]) : Shape(rows: m, columns: n)
    return a.withUnsafeFloats { x in
      b.withUnsafeFloats { y in
        Tensor(uninitialized: shape) { c in
          if m * n * k <= 2048 || k == 0 {
            ck_batched_product_f32(
              Int64(batch), Int64(m), Int64(n), Int64(k), x, Int64(m * k), transposeA ? 1 : 0, y,
              Int64(k * n), transposeB ? 1 : 0, c)
          } else {
            BLAS.useOneThread()
            for i in 0..<batch {
              cblas_sgemm(
                CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
                transposeB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), 1,
                x + i * m * k, blasint(transposeA ? m : k), y + i * k * n,
                blasint(transposeB ? k : n), 0, c + i * m * n, blasint(n))
            }
          }
        }
      }
    }
  }
}

/// The process's use of OpenBLAS.
enum BLAS {
  private static let oneThread: Void = openblas_set_num_threads(1)

  /// Keeps OpenBLAS from starting threads: ranks share a machine by running one thread each.
  static func useOneThread() { oneThread }
}
