internal import Synchronization

/// The matrix products that are computed while somebody listens: for measuring what they alone cost.
package enum ProductLog {
  /// Products of matrices op(a) [m, k] and op(b) [k, n], all of one size.
  package struct Product: Sendable, Hashable {
    /// How many.
    package let count: Int
    /// The rows of the result.
    package let m: Int
    /// Its columns.
    package let n: Int
    /// The extent that is summed over.
    package let k: Int
    /// Whether a lies transposed.
    package let transposeA: Bool
    /// Whether b lies transposed.
    package let transposeB: Bool
  }

  private static let listens = Atomic<Bool>(false)
  private static let heard = Mutex<[Product]>([])

  /// All products that the process computes during `body`, convolutions as those of their windows.
  ///
  /// One listener at a time.
  package static func products(during body: () throws -> Void) rethrows -> [Product] {
    heard.withLock { $0 = [] }
    listens.store(true, ordering: .relaxed)
    defer { listens.store(false, ordering: .relaxed) }
    try body()
    return heard.withLock { $0 }
  }

  @inline(__always)
  package static func note(
    _ count: Int = 1, m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false
  ) {
    guard listens.load(ordering: .relaxed) else { return }
    let product = Product(
      count: count, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB)
    heard.withLock { $0.append(product) }
  }
}
