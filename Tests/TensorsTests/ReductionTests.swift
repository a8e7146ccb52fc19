import Tensors
import TestSupport
import Testing

@Suite("Sums")
struct ReductionTests {
  @Test("the sum of all elements is rounded once, at any size", arguments: ElementwiseTests.sizes)
  func sums(size: Int) {
    let tensor = Tensor.random(Shape(vector: size), seed: size)
    let truth = tensor.elements.reduce(0.0) { $0 + Double($1) }
    // Accumulated in double: only the final rounding to float shows.
    #expect(ulps(of: tensor.sum().scalar, from: truth) <= 0.51)
    #expect(tensor.sum().shape == .scalar)
  }

  @Test("summing keeps small numbers beside large ones")
  func cancellation() {
    // In float32 the ones would vanish beside 2^26.
    let numbers: [Float] = [0x1p26, 1, -0x1p26, 1]
    let tensor = Tensor((0..<100).flatMap { _ in numbers })
    #expect(tensor.sum().scalar == 200)
  }

  @Test("dot products are accumulated in double precision", arguments: ElementwiseTests.sizes)
  func dots(size: Int) {
    let a = Tensor.random(Shape(vector: size), seed: size)
    let b = Tensor.random(a.shape, seed: 9)
    let products = zip(a.elements, b.elements).map { Double($0) * Double($1) }
    // Products of floats are exact in double; a sum's error is below its length times 2^-53.
    let bound = products.reduce(0) { $0 + abs($1) } * Double(size + 1) * 0x1p-53
    #expect(abs(a.dot(b) - products.reduce(0, +)) <= bound)
  }

  @Test("sums over the first or the last axis agree with loops", arguments: ElementwiseTests.sizes)
  func axes(size: Int) {
    for rows in [0, 1, 3, 17] {
      let tensor = Tensor.random([rows, size], seed: rows + size)
      for target in [[size], [1, size], [rows, 1], [1, 1], []] {
        let result = tensor.sum(to: Shape(target))
        let truth = tensor.naive.sum(to: target)
        let magnitude = tensor.naive.map { abs($0) }.sum(to: target)
        // float32 accumulation: at most one rounding an element.
        let slack = 0x1p-24 * Double(max(rows, 1) + 1)
        for (index, value) in result.elements.enumerated() {
          #expect(
            abs(Double(value) - truth.elements[index]) <= slack * magnitude.elements[index],
            "[\(rows), \(size)] to \(target)")
        }
      }
    }
  }

  @Test("NaN and infinity show in a sum")
  func specialValues() {
    #expect(Tensor([1, .nan, 2]).sum().scalar.isNaN)
    #expect(Tensor([1, .infinity, 2]).sum().scalar == .infinity)
    #expect(Tensor([.infinity, -.infinity]).sum().scalar.isNaN)
    #expect(Tensor([]).sum().scalar == 0)
  }
}
