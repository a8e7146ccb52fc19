import Tensors
import TestSupport
import Testing

/// Expects a product to be that of loops in double precision, up to what sums of `terms` products can
/// round.
func expectProduct(
  _ product: Tensor, of x: Tensor, _ y: Tensor, transposeA: Bool, transposeB: Bool, terms: Int,
  _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  let truth = NaiveTensor.product(
    x.naive, y.naive, transposeA: transposeA, transposeB: transposeB)
  let magnitude = NaiveTensor.product(
    x.naive.map { abs($0) }, y.naive.map { abs($0) }, transposeA: transposeA,
    transposeB: transposeB)
  #expect(product.shape.dimensions == truth.shape, sourceLocation: sourceLocation)
  // Each of k additions and products rounds once: the classic bound k 2^-24 |A| |B|.
  let slack = Double(terms + 1) * 0x1p-24
  let worst = zip(product.elements, zip(truth.elements, magnitude.elements)).map {
    abs(Double($0) - $1.0) - slack * $1.1
  }
  #expect(worst.allSatisfy { $0 <= 0 }, "\(name)", sourceLocation: sourceLocation)
}
