internal import CKernels
internal import COpenBLAS

/// What the process's arithmetic rests on: OpenBLAS and our own kernels.
public enum LinearAlgebra {
  /// The bytes of address space that OpenBLAS takes with its first large product.
  ///
  /// Its work space has a fixed size for each architecture (BUFFER_SIZE of its common_*.h), and some
  /// room to align it.
  public static let workSpace: Int = {
    #if arch(x86_64)
      (128 << 20) + (64 << 10)
    #else
      (32 << 20) + (64 << 10)
    #endif
  }()

  /// Lets OpenBLAS take its work space now, on the one thread that it may use.
  ///
  /// When the system does not give it, OpenBLAS asks again and again, for ever and deaf to signals:
  /// make sure before that `workSpace` bytes can be mapped. What it has taken it keeps.
  public static func takeWorkSpace() {
    BLAS.useOneThread()
    let n = 64
    let matrix = [Float](repeating: 0, count: n * n)
    var product = matrix
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(n), blasint(n), blasint(n), 1, matrix,
      blasint(n), matrix, blasint(n), 0, &product, blasint(n))
  }

  /// The kernels that this process computes with: those that OpenBLAS has chosen for the CPU, and the
  /// instruction sets that ours may choose from.
  ///
  /// Machines with equal texts compute equal bits; ranks with different ones would not.
  public static var kernels: String {
    let core = openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    let sets = [("AVX2", CK_ISA_AVX2), ("AVX-512", CK_ISA_AVX512)]
      .filter { ck_supports_isa(Int32($0.1)) != 0 }.map(\.0)
    return "OpenBLAS \(core), \(sets.last ?? "baseline")"
  }
}
