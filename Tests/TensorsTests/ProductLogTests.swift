import Tensors
import Testing

@Suite("ProductLog", .serialized)
struct ProductLogTests {
  /// Other tests compute at the same time, so extents are such that nobody else has them.
  private func sizes(_ body: () -> Void) -> [[Int]] {
    ProductLog.products(during: body).map { [$0.count, $0.m, $0.n, $0.k] }
      .filter { $0.contains(29) && $0.contains(31) }
  }

  @Test("products are heard with their extents, and no more once nobody listens")
  func products() {
    let a = Tensor.zeros([29, 31])
    let b = Tensor.zeros([31, 7])
    #expect(sizes { _ = Tensor.product(a, b) } == [[1, 29, 7, 31]])
    let batches = (Tensor.zeros([3, 31, 29]), Tensor.zeros([3, 31, 2]))
    let product = sizes { _ = Tensor.product(batches.0, batches.1, transposeA: true) }
    #expect(product == [[3, 29, 2, 31]])
    _ = Tensor.product(a, b)
    #expect(sizes {} == [])
  }

  @Test("a convolution is the product of its windows with its filters")
  func convolution() {
    // 31 images of 3 x 3 pixels, windows of 2 x 2 inside: 124 windows of 4 numbers; 29 filters.
    let images = Tensor.zeros([31, 3, 3, 1])
    let filters = Tensor.zeros([2, 2, 1, 29])
    let heard = ProductLog.products { _ = images.convolution2D(filters, padding: .valid) }
    #expect(heard.contains { [$0.m, $0.n, $0.k] == [124, 29, 4] })
  }
}
