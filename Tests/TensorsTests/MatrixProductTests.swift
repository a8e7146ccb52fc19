import Tensors
import TestSupport
import Testing

@Suite("Matrix product")
struct MatrixProductTests {
  private static let flags = [(false, false), (true, false), (false, true), (true, true)]

  /// The matrix as it is stored when it is to be transposed.
  private func stored(_ shape: [Int], _ transposed: Bool) -> Shape {
    transposed ? Shape(shape.dropLast(2) + shape.suffix(2).reversed()) : Shape(shape)
  }

  private func check(_ a: [Int], _ b: [Int], seed: Int) {
    for (transposeA, transposeB) in Self.flags {
      let x = Tensor.random(stored(a, transposeA), seed: seed)
      let y = Tensor.random(stored(b, transposeB), seed: seed + 1)
      let c = Tensor.product(x, y, transposeA: transposeA, transposeB: transposeB)
      expectProduct(
        c, of: x, y, transposeA: transposeA, transposeB: transposeB, terms: a[a.count - 1],
        "\(a) by \(b), \(transposeA), \(transposeB)")
    }
  }

  @Test("all sizes and transposes agree with loops", arguments: [0, 1, 2, 3, 7, 15, 16, 17, 33])
  func sizes(m: Int) {
    for k in [0, 1, 2, 5, 16, 33] {
      for n in [0, 1, 2, 7, 16, 33] { check([m, k], [k, n], seed: m * 10_000 + k * 100 + n) }
    }
  }

  @Test("batches of matrices, small and large, agree with loops", arguments: [0, 1, 3, 5])
  func batches(batch: Int) {
    for (m, k, n) in [(1, 1, 1), (10, 10, 1), (7, 3, 5), (2, 0, 3), (13, 14, 15)] {
      check([batch, m, k], [batch, k, n], seed: batch + m)
    }
  }

  @Test("large products agree with loops")
  func large() { check([65, 130], [130, 67], seed: 5) }

  @Test("an inner extent of 0 gives zeros")
  func emptySums() {
    #expect(Tensor.product(.zeros([2, 0]), .zeros([0, 2])).elements == [0, 0, 0, 0])
  }

  @Test("NaN and infinity in an operand show in its row and column", arguments: [3, 40])
  func specialValues(size: Int) {
    var a = Tensor(repeating: 1, shape: [size, size])
    a.withUnsafeMutableFloats { $0[size + 1] = .nan }
    let c = Tensor.product(a, Tensor(repeating: 1, shape: [size, size]))
    for row in 0..<size {
      for column in 0..<size { #expect(c.elements[row * size + column].isNaN == (row == 1)) }
    }
  }
}
