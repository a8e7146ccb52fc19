import Tensors
import TestSupport
import Testing

@Suite("Softmax and cross-entropy of tensors")
struct SoftmaxTests {
  static let scales: [Float] = [0.01, 1, 30, 1e4]

  @Test("softmax agrees with double precision, up to logits of 1e4", arguments: scales)
  func softmax(scale: Float) {
    for shape: Shape in [[1], [7], [3, 10], [2, 3, 17], [4, 1], [5, 33]] {
      let logits = Tensor.random(shape, seed: shape.count, standardDeviation: scale)
      let result = logits.softmax()
      let truth = logits.naive.softmax()
      // The difference to the maximum is rounded, and its absolute error, at most 2^-25 times 100
      // where the result is not negligible, becomes the result's relative error.
      for (a, b) in zip(result.elements, truth.elements) {
        #expect(abs(Double(a) - b) <= 1e-5 * max(b, 1e-30), "\(shape)")
      }
    }
  }

  @Test("rows of a softmax add to 1", arguments: scales)
  func rowSums(scale: Float) {
    let rows = Tensor.random([50, 10], seed: 3, standardDeviation: scale).softmax()
    for sum in rows.sum(to: [50, 1]).elements { #expect(abs(sum - 1) < 1e-6) }
  }

  @Test(
    "equal logits share evenly, however large", arguments: [-1e30, -1e4, 0, 1e4, 3e38] as [Float])
  func equalLogits(value: Float) {
    #expect(Tensor([value, value, value, value]).softmax().elements == [0.25, 0.25, 0.25, 0.25])
  }

  @Test("a NaN logit spoils its row and no other")
  func spoiledRow() {
    let rows = Tensor([1, .nan, 2, 0, 0, 0], shape: [2, 3]).softmax().elements
    #expect(rows[..<3].allSatisfy { $0.isNaN })
    #expect(!rows[3...].contains { $0.isNaN })
  }

  @Test("a softmax without rows or columns is empty")
  func empty() {
    #expect(Tensor.zeros([0, 3]).softmax().shape == [0, 3])
    #expect(Tensor.zeros([3, 0]).softmax().shape == [3, 0])
  }

  @Test("cross-entropy agrees with double precision, up to logits of 1e4", arguments: scales)
  func crossEntropy(scale: Float) {
    for (rows, classes) in [(1, 2), (7, 10), (128, 10), (3, 33)] {
      let logits = Tensor.random([rows, classes], seed: rows, standardDeviation: scale)
      var stream = RandomStream(seed: 1, purpose: .test)
      let labels = (0..<rows).map { _ in Int32(stream.nextInteger(below: classes)) }
      let truth = logits.naive.meanCrossEntropy(labels: labels).elements[0]
      // float32 within a row, double over rows.
      #expect(
        abs(Double(logits.meanCrossEntropy(labels: labels).scalar) - truth)
          <= 5e-7 * max(truth, 1), "[\(rows), \(classes)]")
    }
  }

  @Test("a large common offset of the logits does not blur the cross-entropy")
  func offset() {
    // Two equal logits: log 2, whatever they are.
    for value: Float in [0, 1e4, 1e6, -1e4] {
      let loss = Tensor([value, value], shape: [1, 2]).meanCrossEntropy(labels: [0]).scalar
      #expect(abs(Double(loss) - logarithm(2)) < 1e-7, "at \(value)")
    }
  }

  @Test("a certain, right answer costs nothing, a wrong one its margin")
  func extremes() {
    let logits = Tensor([1e4, -1e4, 0], shape: [1, 3])
    #expect(logits.meanCrossEntropy(labels: [0]).scalar == 0)
    #expect(logits.meanCrossEntropy(labels: [1]).scalar == 2e4)
  }
}
