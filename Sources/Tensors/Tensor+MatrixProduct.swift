internal import CKernels
internal import COpenBLAS

/// Which loops compute a matrix product; they differ in the order of their sums, so in last bits.
public enum ProductKernel: Sendable {
  /// Loops for up to 2,048 products of numbers, else OpenBLAS.
  case standard
  /// Loops for small matrices up to the size where OpenBLAS is as fast.
  case small
}

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
    _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false,
    kernel: ProductKernel = .standard
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
    ProductLog.note(batch, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB)
    return a.withUnsafeFloats { x in
      b.withUnsafeFloats { y in
        Tensor(uninitialized: shape) { c in
          if kernel == .small && m * n * k <= smallProductLimit {
            smallProducts(
              batch, (m, n, k), x, transposeA ? 1 : 0, y, transposeB ? 1 : 0, into: c)
          } else if m * n * k <= loopProductLimit || k == 0 {
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

/// Each of a batch's products by the loops for small matrices.
private func smallProducts(
  _ batch: Int, _ extents: (m: Int, n: Int, k: Int), _ a: UnsafePointer<Float>,
  _ transposeA: Int32, _ b: UnsafePointer<Float>, _ transposeB: Int32,
  into c: UnsafeMutablePointer<Float>
) {
  let (m, n, k) = (Int64(extents.m), Int64(extents.n), Int64(extents.k))
  let floats = ck_small_product_scratch_floats(m, n, k, transposeA, transposeB)
  let scratch = floats > 0 ? TensorStorage.make(count: Int(floats)) : nil
  withExtendedLifetime(scratch) {
    for i in 0..<batch {
      ck_small_product(
        m, n, k, a + i * extents.m * extents.k, transposeA, b + i * extents.k * extents.n,
        transposeB, 0, c + i * extents.m * extents.n, scratch?.pointer)
    }
  }
}

/// How many products of numbers are fewer than OpenBLAS, which copies its operands, is made for.
package let smallProductLimit = 1 << 22

/// Up to how many products of numbers `Tensor.product` takes plain loops.
package let loopProductLimit = 2048

/// The process's use of OpenBLAS.
enum BLAS {
  private static let oneThread: Void = openblas_set_num_threads(1)

  /// Keeps OpenBLAS from starting threads: ranks share a machine by running one thread each.
  static func useOneThread() { oneThread }
}
