import Tensors
import TestSupport
import Testing

@Suite("Batch normalization")
struct BatchNormalizationTests {
  private func error(_ x: Tensor, columns: Int) -> Double {
    let offset = Tensor.random([columns], seed: 3)
    let statistics = x.batchStatistics(epsilon: 1e-3)
    return relativeError(
      x.batchNormalized(statistics, offset: offset).naive.elements,
      x.naive.batchNormalized(offset: offset.naive, epsilon: Double(Float(1e-3))).elements)
  }

  @Test("it agrees with loops", arguments: [1, 2, 7, 15, 16, 17, 32, 33])
  func agreement(columns: Int) {
    for rows in [1, 2, 3, 63, 64, 65, 1000] {
      let x = Tensor.random([rows, columns], seed: rows + columns)
      // Three roundings of numbers of the size of the result.
      #expect(error(x, columns: columns) < 5e-7, "\(rows) rows")
    }
  }

  @Test("many rows, and columns far from 0, keep their digits")
  func precision() {
    let x = Tensor.random([4, 100, 100, 3], seed: 1)
    #expect(error(x, columns: 3) < 5e-7)
    // The operand's own rounding to float32 is 100 times as large here.
    #expect(error(x.affine(scale: 1, offset: 100), columns: 3) < 1e-5)
  }

  @Test("a column of equal numbers becomes the offset, and its gradient stays finite")
  func constantColumn() {
    let x = Tensor(repeating: 0.3, shape: [50, 2])
    let statistics = x.batchStatistics(epsilon: 1e-3)
    let y = x.batchNormalized(statistics, offset: Tensor([1, -2]))
    for (index, value) in y.elements.enumerated() {
      #expect(abs(value - [1, -2][index % 2]) < 1e-5)
    }
    #expect(Tensor.random([50, 2], seed: 1).batchNormalizationGradient(x, statistics).isFinite)
  }

  @Test("NaN and infinity show in their column only", arguments: [Float.nan, .infinity])
  func notFinite(value: Float) {
    for row in [0, 3] {
      var x = Tensor.random([5, 3], seed: 1)
      x.withUnsafeMutableFloats { $0[row * 3 + 1] = value }
      let y = x.batchNormalized(x.batchStatistics(epsilon: 1e-3), offset: .zeros([3]))
      for (index, value) in y.elements.enumerated() {
        #expect(value.isFinite == (index % 3 != 1))
      }
    }
  }
}
