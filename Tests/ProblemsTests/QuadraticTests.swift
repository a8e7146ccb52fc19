import Layers
import Problems
import Tensors
import Testing

@Suite("Quadratic")
struct QuadraticTests {
  private func draw(_ problem: Quadratic) -> (x: Tensor, w: Tensor, y: Tensor) {
    var stream = RandomStream(seed: 1, purpose: .problem)
    let x = problem.parameters.map { $0.initializer($0.shape, &stream) }
    let constants = problem.constants.map { $0.initializer($0.shape, &stream) }
    return (x[0], constants[0], constants[1])
  }

  private func mean(_ tensor: Tensor, _ power: (Double) -> Double = { $0 }) -> Double {
    tensor.elements.reduce(0) { $0 + power(Double($1)) } / Double(tensor.count)
  }

  @Test("w and y are uniform in [0, 1), x starts near 0")
  func uniform() {
    let (x, w, y) = draw(Quadratic())
    for tensor in [w, y] {
      #expect(tensor.elements.allSatisfy { $0 >= 0 && $0 < 1 })
      // Deviation of the mean: 0.29 / sqrt(count), five of them for the smaller y.
      #expect(abs(mean(tensor) - 0.5) < 5 * 0.29 / Double(tensor.count).squareRoot())
    }
    #expect(abs(mean(x) { $0 * $0 }.squareRoot() - 0.01) < 0.001)
  }

  @Test("w and y are standard normal when asked, as in the paper")
  func gaussian() {
    let (x, w, y) = draw(Quadratic(standardDeviation: 0, distribution: .gaussian))
    for tensor in [w, y] {
      #expect(tensor.elements.contains { $0 < 0 })
      #expect(abs(mean(tensor) { $0 * $0 } - 1) < 5 * (2 / Double(tensor.count)).squareRoot())
    }
    #expect(x.elements.allSatisfy { $0 == 0 })
  }
}
