import Autodiff
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

@Suite("Preprocessing")
struct PreprocessingTests {
  private func values(_ preprocessing: Preprocessing, _ gradient: Tensor) -> Tensor {
    preprocessing(Variable(gradient)).value
  }

  // MARK: - The reference program's cases

  @Test("clamping keeps the shape")
  func clampShape() {
    let clamped = values(.clamp(min: -1, max: 1), .random([2, 3], seed: 1))
    #expect(clamped.shape == [2, 3])
    #expect(clamped.elements.allSatisfy { abs($0) <= 1 })
  }

  @Test("clamping from below, from above and from both sides")
  func clampSides() {
    let gradient = Tensor.random([100, 1], seed: 2)
    #expect(values(.clamp(min: 0, max: nil), gradient).elements.allSatisfy { $0 >= 0 })
    #expect(values(.clamp(min: nil, max: 0), gradient).elements.allSatisfy { $0 <= 0 })
    #expect(values(.clamp(min: 0, max: 0), gradient).elements.allSatisfy { $0 == 0 })
    #expect(values(.clamp(min: nil, max: nil), gradient).elements == gradient.elements)
  }

  @Test("LogAndSign doubles the last axis")
  func logAndSignShape() {
    #expect(values(.logAndSign(k: 1), .random([2, 3], seed: 3)).shape == [2, 6])
    #expect(Preprocessing.logAndSign(k: 1).width == 2)
    #expect(Preprocessing.identity.width == 1)
    #expect(Preprocessing.clamp(min: 0, max: 1).width == 1)
  }

  @Test("the logarithm of 1 is 0 to seven decimals")
  func logarithmOfOne() {
    #expect(abs(values(.logAndSign(k: 10), Tensor([1], shape: [1, 1])).elements[0]) < 0.5e-7)
  }

  @Test("the second number has the gradient's sign")
  func sign() {
    let gradient = Tensor.random([50, 1], seed: 4)
    let result = values(.logAndSign(k: 1), gradient).slice(axis: 1, from: 1, count: 1)
    #expect(result.sign().elements == gradient.sign().elements)
  }

  // MARK: - Formula and edges

  @Test("LogAndSign is its formula, the logarithm first", arguments: [1, 5, 10] as [Float])
  func formula(k: Float) {
    let gradient: [Float] = [1, -1, 0.1, -1e-3, 1e-4, 1e-8, 0, -0.0, 3e5, -1e30, 0x1p-149]
    let result = values(.logAndSign(k: k), Tensor(gradient, shape: [gradient.count, 1])).elements
    for (index, g) in gradient.enumerated() {
      let log = max(logarithm(abs(Double(g)) + 0x1p-23) / Double(k), -1)
      let sign = min(max(Double(g) * exponential(Double(k)), -1), 1)
      // A logarithm near 0 carries the rounding of |g| + epsilon, 6e-8, over k.
      #expect(abs(Double(result[2 * index]) - log) < 2e-7 * max(abs(log), 1), "log at \(g)")
      // A denormal has only its last place.
      #expect(
        abs(Double(result[2 * index + 1]) - sign) <= 2e-7 * abs(sign) + 0x1p-149, "sign at \(g)")
    }
  }

  @Test("the two numbers of an entry stand together in rows of several entries")
  func interleaving() {
    let row = values(.logAndSign(k: 5), Tensor([1, -1, 0, 2], shape: [2, 2])).elements
    let single = [1, -1, 0, 2].map {
      values(.logAndSign(k: 5), Tensor([$0], shape: [1, 1])).elements
    }
    #expect(row == single.flatMap { $0 })
  }

  @Test("a gradient of NaN stays NaN, infinities saturate the sign")
  func specialValues() {
    let result = values(
      .logAndSign(k: 5), Tensor([.nan, .infinity, -.infinity], shape: [3, 1])
    ).elements
    #expect(result[0].isNaN && result[1].isNaN)
    #expect(result[2...] == [.infinity, 1, .infinity, -1])
    #expect(values(.clamp(min: -1, max: 1), Tensor([.nan], shape: [1, 1])).elements[0].isNaN)
    #expect(
      values(.clamp(min: -1, max: 2), Tensor([.infinity, -.infinity], shape: [2, 1])).elements
        == [2, -1])
  }

  @Test("the derivative is 0 where it saturates, and finite at 0")
  func derivative() {
    let tape = Tape()
    let gradient = tape.variable(Tensor([0, 1e-9, 0.5, -0.5, 1e-3], shape: [5, 1]))
    let result = Preprocessing.logAndSign(k: 5)(gradient)
    let log = gradients(
      of: [result.slice(axis: 1, from: 0, count: 1)], withRespectTo: [gradient])[0].value.elements
    // Below e^-5 the logarithm is cut off; elsewhere its derivative is 1 / (k g).
    #expect(log[0] == 0 && log[1] == 0 && log[4] == 0)
    #expect(abs(log[2] - 0.4) < 1e-6 && abs(log[3] + 0.4) < 1e-6)
    let sign = gradients(
      of: [result.slice(axis: 1, from: 1, count: 1)], withRespectTo: [gradient])[0].value.elements
    #expect(sign[2] == 0 && sign[3] == 0)
    for index in [0, 1, 4] { #expect(abs(Double(sign[index]) - exponential(5)) < 1e-4) }
  }
}
