import CKernels
import Foundation
import Testing

/// Adam's kernel.
@Suite("Adam's kernel")
struct AdamTests {
  /// Steps of the formulas in float32, every operation rounded.
  private struct Naive {
    var m: [Float]
    var v: [Float]

    mutating func step(
      _ g: [Float], p: [Float], _ rate: Float, _ beta1: Double, _ beta2: Double, _ t: Int,
      inside: Bool, decay: Float
    ) -> [Float] {
      func correction(_ beta: Double) -> Float {
        inside ? 1 : 1 / (1 - Float(pow(Double(Float(beta)), Double(t + 1))))
      }
      return g.indices.map { i in
        m[i] = m[i] * Float(beta1) + g[i] * Float(1 - beta1)
        v[i] = v[i] * Float(beta2) + g[i] * g[i] * Float(1 - beta2)
        let first = m[i] * correction(beta1)
        let second = v[i] * correction(beta2)
        let root: Float =
          inside ? (second + 1e-8).squareRoot() : second.squareRoot() + 1e-8
        let update = first * -rate / root
        return decay == 0 ? update : update - p[i] * decay
      }
    }
  }

  @Test(
    "its bits are the formulas', with and without correction and weight decay",
    arguments: [false, true], [Float(0), 0.01])
  func bits(inside: Bool, decay: Float) {
    for count in [0, 1, 7, 8, 9, 31, 33, 300] {
      var numbers = Numbers(seed: count)
      let zeros = [Float](repeating: 0, count: count)
      var naive = Naive(m: zeros, v: zeros)
      var (m, v) = (zeros, zeros)
      var p = numbers.floats(count)
      for step in 0..<4 {
        let scale = Float([1, 1e-20, 1e15, 0][step])
        let g = numbers.floats(count, scale: scale)
        var adam = ck_adam()
        ck_adam_make(&adam, 0.001, 0.9, 0.999, 1e-8, Int64(step), inside ? 0 : 1)
        adam.weight_decay = decay
        var (otherM, otherV, update, applied) = (m, v, zeros, p)
        ck_adam_step(&adam, Int64(count), g, p, &m, &v, &update)
        ck_adam_apply(&adam, Int64(count), g, &applied, &otherM, &otherV)
        let expected = naive.step(
          g, p: p, 0.001, 0.9, 0.999, step, inside: inside, decay: decay)
        #expect(haveSameBits(update, expected), "\(count), step \(step)")
        #expect(haveSameBits(m, naive.m) && haveSameBits(v, naive.v))
        #expect(haveSameBits(otherM, m) && haveSameBits(otherV, v))
        p = zip(p, update).map { $0 + $1 }
        #expect(haveSameBits(applied, p))
      }
    }
  }
}

/// The cross-entropy with its gradient.
@Suite("Cross-entropy and gradient")
struct CrossEntropyTests {
  @Test("both are those of double precision, also for large logits and in place")
  func agreement() {
    for rows in [1, 2, 15, 16, 17, 64] {
      for n in [1, 2, 9, 10, 33, 64, 65, 200] {
        var numbers = Numbers(seed: rows + 100 * n)
        let offset: Float = rows % 2 == 0 ? 1000 : 0
        let x = numbers.floats(rows * n, scale: 20).map { $0 + offset }
        let labels = (0..<rows).map { _ in Int32(numbers.integer(below: n)) }
        var gradient = [Float](repeating: .nan, count: rows * n)
        var inPlace = x
        let loss = ck_cross_entropy_and_gradient_f32(
          Int64(rows), Int64(n), x, labels, 2, &gradient)
        let again = inPlace.withUnsafeMutableBufferPointer {
          ck_cross_entropy_and_gradient_f32(
            Int64(rows), Int64(n), $0.baseAddress, labels, 2, $0.baseAddress)
        }
        var truth = 0.0
        var slopes: [Double] = []
        for row in 0..<rows {
          let logits = x[row * n..<(row + 1) * n].map(Double.init)
          let largest = logits.max() ?? 0
          let total = logits.reduce(0) { $0 + exp($1 - largest) }
          let label = Int(labels[row])
          truth += (log(total) + largest - logits[label]) / Double(rows)
          slopes += logits.indices.map {
            2 / Double(rows) * (exp(logits[$0] - largest) / total - ($0 == label ? 1 : 0))
          }
        }
        #expect(abs(Double(loss) - truth) <= 1e-6 * max(truth, 1), "\(rows) \(n)")
        // An absolute bound: where a row is sure of its label, the difference from 1 is rounding.
        let error = zip(gradient, slopes).map { abs(Double($0) - $1) }.max() ?? 0
        #expect(error <= 4e-7 * 2 / Double(rows), "\(rows) \(n): \(error)")
        #expect(again == loss && haveSameBits(inPlace, gradient))
      }
    }
  }
}
