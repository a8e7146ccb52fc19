import Tensors
import TestSupport
import Testing

@Suite("Layers of tensors")
struct LayerTests {
  @Test("layer normalization agrees with loops", arguments: [1, 2, 7, 15, 16, 17, 32, 33])
  func normalization(columns: Int) {
    for rows in [1, 2, 5] {
      for offset: Float in [0, 100] {
        let x = Tensor.random([rows, columns], seed: columns).affine(scale: 1, offset: offset)
        let z = x.layerNormalized(epsilon: 1e-3).result
        // Three roundings, of numbers that the offset makes longer than the result.
        #expect(
          relativeError(
            z.naive.elements + [0.1],
            x.naive.layerNormalized(epsilon: Double(Float(1e-3))).elements + [0.1])
            < (offset == 0 ? 5e-7 : 1e-5))
      }
    }
  }

  @Test("rows are copied as they are, and scattered ones add up")
  func rows() {
    for size in [1, 2, 16, 33] {
      let table = Tensor.random([5, size], seed: size)
      let indices: [Int32] = [4, 0, 4, 2]
      #expect(
        table.rows(at: indices).elements.map(Double.init) == table.naive.rows(at: indices).elements)
      let sums = table.rows(at: indices).scatteredRows(to: indices, count: 5)
      let truth = table.rows(at: indices).naive.scatteredRows(to: indices, count: 5)
      #expect(sums.elements.map(Double.init) == truth.elements)
    }
  }

  @Test("a causal softmax sees nothing of the future, not even NaN")
  func future() {
    var scores = Tensor.random([2, 4, 4], seed: 1)
    let before = scores.causalSoftmax()
    scores.withUnsafeMutableFloats { scores in
      for b in 0..<2 {
        for i in 0..<4 { for j in i + 1..<max(i + 1, 4) { scores[(b * 4 + i) * 4 + j] = .nan } }
      }
    }
    #expect(haveSameBits(scores.causalSoftmax().elements, before.elements))
    for sum in before.sum(to: [2, 4, 1]).elements { #expect(abs(sum - 1) < 1e-6) }
  }

  @Test("a dense layer has the bits of its parts", arguments: ElementwiseFunction.allCases)
  func dense(function: ElementwiseFunction) {
    for (rows, inputs, outputs) in [(1, 1, 1), (7, 5, 3), (16, 64, 10), (9, 2, 33)] {
      let x = Tensor.random([rows, inputs], seed: 1)
      let w = Tensor.random([inputs, outputs], seed: 2)
      let b = Tensor.random([outputs], seed: 3)
      let sums = Tensor.product(x, w, kernel: .small) + b
      let expected =
        switch function {
        case .identity: sums
        case .sigmoid: sums.sigmoid()
        case .relu: sums.relu()
        case .tanh: sums.tanh()
        case .elu: sums.elu()
        case .silu: sums.silu()
        case .gelu: sums.gelu()
        }
      let (result, source) = x.dense(w: w, b: b, function)
      #expect(haveSameBits(result.elements, expected.elements))
      #expect(
        haveSameBits(
          source.elements, (function.slopeFollowsFromResult ? expected : sums).elements))
    }
  }

  @Test("the gradient of a cross-entropy has the bits of softmax, difference and product")
  func crossEntropyGradient() {
    for (rows, classes) in [(1, 2), (7, 10), (64, 10), (3, 33)] {
      let logits = Tensor.random([rows, classes], seed: rows)
      let labels = (0..<rows).map { Int32($0 * 7 % classes) }
      let scale: Float = 1 / Float(rows)
      let expected = (logits.softmax() - Tensor.oneHot(labels, classes: classes)) * Tensor(scale)
      let result = logits.meanCrossEntropyGradient(labels: labels, scale: 1)
      #expect(haveSameBits(result.elements, expected.elements))
    }
  }
}
