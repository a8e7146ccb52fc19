import Autodiff
import Tensors
import TestSupport
import Testing

/// Points at the edge of a domain, where a careless rule makes a NaN.
@Suite("Edge points")
struct EdgePointTests {
  /// Value, first derivative, and second derivative in x, of the sum of weights * f(x).
  private func derivatives(
    _ x: [Float], weights: [Float], _ function: (Variable) -> Variable
  ) -> (first: [Float], second: [Float]) {
    let tape = Tape()
    let point = tape.variable(Tensor(x))
    let sum = (function(point) * Variable(Tensor(weights))).sum()
    let first = gradient(of: sum, withRespectTo: [point], recording: true)
    let second = gradients(of: first, withRespectTo: [point])
    return (first[0].value.elements, second[0].value.elements)
  }

  @Test("square root and logarithm at 0 pass on a cotangent of 0 as 0, others as infinite")
  func rootAndLogarithm() {
    for function: (Variable) -> Variable in [{ $0.squareRoot() }, { $0.log() }] {
      let result = derivatives([0, 0, 4], weights: [0, 2, 0], function)
      #expect(result.first == [0, .infinity, 0])
      #expect(derivatives([0], weights: [-1], function).first == [-.infinity])
    }
  }

  @Test("the square root of a sum that is 0 and weighs nothing has a second derivative")
  func normAtZero() {
    // |x| = sqrt(x^2) weighted by 0: no NaN in either derivative.
    let result = derivatives([0, 0], weights: [0, 0]) { $0.squared().squareRoot() }
    #expect(result.first == [0, 0])
    #expect(result.second == [0, 0])
  }

  @Test("the square root of x squared at 0 has the derivative 0 of the chain, not NaN")
  func rootOfSquare() {
    let tape = Tape()
    let x = tape.variable(Tensor([3]))
    let y = (x.squared() + 0).squareRoot()
    #expect(gradient(of: y.sum(), withRespectTo: [x])[0].value.elements == [1])
  }

  @Test("absolute value, relu and bounds take the documented side")
  func kinks() {
    #expect(
      derivatives([0, -0.0, 2, -2], weights: [1, 1, 1, 1]) { $0.absolute() }.first
        == [0, 0, 1, -1])
    #expect(
      derivatives([0, -0.0, 2, -2], weights: [1, 1, 1, 1]) { $0.relu() }.first
        == [0, 0, 1, 0])
    #expect(
      derivatives([-1, 1, -1.001, 1.001, 0], weights: [1, 1, 1, 1, 1]) {
        $0.clamped(low: -1, high: 1)
      }.first == [1, 1, 0, 0, 1])
    #expect(
      derivatives([-5, 5], weights: [1, 1]) { $0.clamped(low: -.infinity, high: .infinity) }.first
        == [1, 1])
  }

  @Test("0 over 0 counts as 0 and passes on a cotangent of 0 as 0")
  func zeroOverZero() {
    let tape = Tape()
    let a = tape.variable(Tensor([0, 0, 3]))
    let b = tape.variable(Tensor([0, 0, 2]))
    let quotient = a.dividedOrZero(by: b)
    #expect(quotient.value.elements == [0, 0, 1.5])
    let weighted = (quotient * Variable(Tensor([0, 0, 4]))).sum()
    let results = gradient(of: weighted, withRespectTo: [a, b])
    #expect(results[0].value.elements == [0, 0, 2])
    #expect(results[1].value.elements == [0, 0, -3])
  }

  @Test("softmax and its derivatives stay right for logits up to 1e4", arguments: [1, 100, 1e4])
  func softmax(scale: Double) {
    let logits = Tensor.random([3, 5], seed: 1, standardDeviation: Float(scale))
    let weights = Tensor.random([3, 5], seed: 2)
    let tape = Tape()
    let x = tape.variable(logits)
    let sum = (x.softmax() * Variable(weights)).sum()
    let first = gradient(of: sum, withRespectTo: [x], recording: true)
    // d/dx = y (w - sum of y w), row by row.
    let y = logits.naive.softmax()
    let mean = y.combined(with: weights.naive, *).sum(to: [3, 1])
    let truth = weights.naive.combined(with: mean, -).combined(with: y, *)
    for (a, b) in zip(first[0].value.elements, truth.elements) {
      // Differences w - mean of numbers near 1 in float32, times a probability off by 1e-5.
      #expect(abs(Double(a) - b) < 1e-5)
    }
    #expect(gradients(of: first, withRespectTo: [x])[0].value.isFinite)
  }

  @Test(
    "cross-entropy and its derivatives stay right for logits up to 1e4", arguments: [1, 100, 1e4])
  func crossEntropy(scale: Double) {
    let logits = Tensor.random([4, 5], seed: 3, standardDeviation: Float(scale))
    let labels: [Int32] = [0, 4, 2, 2]
    let tape = Tape()
    let x = tape.variable(logits)
    let loss = x.meanCrossEntropy(labels: labels)
    let truth = logits.naive.meanCrossEntropy(labels: labels).elements[0]
    #expect(abs(Double(loss.value.scalar) - truth) < 1e-6 * max(truth, 1))
    let first = gradient(of: loss, withRespectTo: [x], recording: true)
    let target = Tensor.oneHot(labels, classes: 5).naive
    let slope = logits.naive.softmax().combined(with: target, -).map { $0 / 4 }
    for (a, b) in zip(first[0].value.elements, slope.elements) {
      #expect(abs(Double(a) - b) < 1e-5)  // as for softmax
    }
    #expect(gradients(of: first, withRespectTo: [x])[0].value.isFinite)
  }

  @Test("saturated sigmoid and tanh have derivatives 0")
  func saturation() {
    for function: (Variable) -> Variable in [{ $0.sigmoid() }, { $0.tanh() }] {
      let result = derivatives([200, -200, 1e30, -1e30], weights: [1, 1, 1, 1], function)
      #expect(result.first == [0, 0, 0, 0])
      #expect(result.second.allSatisfy { $0 == 0 })
    }
  }

  @Test("activations of huge numbers are x or a constant, and their derivatives 1 or 0")
  func hugeNumbers() {
    for function: (Variable) -> Variable in [{ $0.gelu() }, { $0.silu() }, { $0.elu() }] {
      let result = derivatives([200, -200, 1e30, -1e30], weights: [1, 1, 1, 1], function)
      #expect(result.first == [1, 0, 1, 0])
      #expect(result.second.allSatisfy { $0 == 0 })
    }
    #expect(
      derivatives([200, -200, 1e30, -1e30], weights: [1, 1, 1, 1]) { $0.softplus() }.first
        == [1, 0, 1, 0])
  }
}
