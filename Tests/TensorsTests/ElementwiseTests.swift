import Foundation
import Tensors
import TestSupport
import Testing

/// An element-wise map and what it should be, in double precision.
struct UnaryCase: Sendable, CustomTestStringConvertible {
  let name: String
  let operation: @Sendable (Tensor) -> Tensor
  let truth: @Sendable (Double) -> Double
  /// The largest error allowed, in units in the last place: 0 where the operation is exact, 0.5
  /// where it rounds once, the bounds of ck_math.h for its polynomials.
  let bound: Double

  var testDescription: String { name }

  static let all: [UnaryCase] = [
    UnaryCase(name: "negated", operation: { $0.negated() }, truth: { -$0 }, bound: 0),
    UnaryCase(name: "exp", operation: { $0.exp() }, truth: { exp($0) }, bound: 1.1),
    // The C library's logf, below 1 ulp.
    UnaryCase(name: "log", operation: { $0.log() }, truth: { log($0) }, bound: 1),
    UnaryCase(
      name: "squareRoot", operation: { $0.squareRoot() }, truth: { $0.squareRoot() }, bound: 0.5),
    UnaryCase(name: "squared", operation: { $0.squared() }, truth: { $0 * $0 }, bound: 0.5),
    UnaryCase(name: "absolute", operation: { $0.absolute() }, truth: { abs($0) }, bound: 0),
    UnaryCase(
      name: "sign", operation: { $0.sign() }, truth: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }, bound: 0),
    UnaryCase(
      name: "sigmoid", operation: { $0.sigmoid() },
      // 0 where exp(-x) overflows: see ck_math.h.
      truth: { $0 < -88.7228 ? 0 : 1 / (1 + exp(-$0)) }, bound: 2.5),
    UnaryCase(name: "tanh", operation: { $0.tanh() }, truth: { tanh($0) }, bound: 1.4),
    UnaryCase(
      name: "relu", operation: { $0.relu() }, truth: { $0.isNaN ? $0 : max($0, 0) }, bound: 0),
    UnaryCase(
      name: "is positive", operation: { $0.isPositive() }, truth: { $0 > 0 ? 1 : 0 }, bound: 0),
    UnaryCase(name: "reciprocal", operation: { $0.reciprocal() }, truth: { 1 / $0 }, bound: 0.5),
    // The C library's, below 1 ulp.
    UnaryCase(name: "sine", operation: { $0.sine() }, truth: sine, bound: 1),
    UnaryCase(name: "cosine", operation: { $0.cosine() }, truth: cosine, bound: 1),
    // exp's error and those of a logarithm and a sum.
    UnaryCase(
      name: "softplus", operation: { $0.softplus() },
      truth: { $0.isNaN ? $0 : softplus($0) }, bound: 2),
    // sigmoid's error, the product's, and that of the sigmoid's argument.
    UnaryCase(
      name: "silu", operation: { $0.silu() }, truth: { $0 < -88.7228 ? -0.0 : silu($0) }, bound: 3),
    UnaryCase(
      name: "gelu", operation: { $0.gelu() }, truth: { $0 < -11 ? -0.0 : gelu($0) },
      bound: 3),
    UnaryCase(name: "elu", operation: { $0.elu() }, truth: elu, bound: 1.5),
    UnaryCase(
      name: "siluSlope", operation: { $0.siluSlope() },
      truth: { $0 < -88 ? 0 : $0 > 88 ? 1 : siluSlope($0) }, bound: 3),
    // Near -0.75 it is 0: its error is then that of its terms, at -0.5 still five times its own.
    UnaryCase(
      name: "geluSlope", operation: { $0.geluSlope() },
      truth: { $0 < -10 ? 0 : $0 > 10 ? 1 : geluSlope($0) }, bound: 5),
    UnaryCase(name: "eluSlope", operation: { $0.eluSlope() }, truth: eluSlope, bound: 1.1),
    // One rounding where the processor has fused multiply-add, else two, the first of which can be
    // amplified by cancellation: the points below stay clear of it.
    UnaryCase(
      name: "affine", operation: { $0.affine(scale: 3, offset: 0.5) }, truth: { $0 * 3 + 0.5 },
      bound: 2),
    UnaryCase(
      name: "clamped", operation: { $0.clamped(low: -0.5, high: 2) },
      truth: { $0.isNaN ? $0 : min(max($0, -0.5), 2) }, bound: 0),
    UnaryCase(
      name: "inside", operation: { $0.inside(low: -0.5, high: 2) },
      truth: { $0 >= -0.5 && $0 <= 2 ? 1 : 0 }, bound: 0),
  ]
}

@Suite("Element-wise maps")
struct ElementwiseTests {
  static let sizes = [0, 1, 7, 15, 16, 17, 33, 1000]

  static let special: [Float] = [
    0, -0.0, 1, -1, -0.5, 2, .infinity, -.infinity, .nan, .leastNonzeroMagnitude,
    -.leastNonzeroMagnitude, 0x1p-127, -0x1p-127, .leastNormalMagnitude, -.leastNormalMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 88.7, 88.8, 89.5, -87.5, -88.5, -103.5,
    -104, -110, 0.625, -0.625, 0x1.fffffep-1, 1e30, -1e30,
  ]

  private func check(_ operation: UnaryCase, _ x: [Float]) {
    let y = operation.operation(Tensor(x)).elements
    #expect(y.count == x.count)
    var worst = 0.0
    var place: Float = 0
    for (a, b) in zip(x, y) {
      let error = ulps(of: b, from: operation.truth(Double(a)))
      if error > worst { (worst, place) = (error, a) }
    }
    #expect(worst <= operation.bound, "\(worst) ulp at \(place), of \(x.count)")
  }

  @Test("maps are right at every position of arrays of any size", arguments: UnaryCase.all)
  func sizes(operation: UnaryCase) {
    for (index, size) in Self.sizes.enumerated() {
      var stream = RandomStream(seed: UInt64(index), purpose: .test)
      check(operation, (0..<size).map { _ in stream.nextUniform() * 8 - 0.1 })
    }
  }

  @Test("infinities, NaN, zeros, denormals and the edges of the range", arguments: UnaryCase.all)
  func specialValues(operation: UnaryCase) {
    // Each at a vector's position and in the remainder after the last vector.
    check(operation, Self.special)
    for value in Self.special { check(operation, Array(repeating: value, count: 17)) }
  }

  @Test(
    "exp, sigmoid and tanh keep their stated bounds over all floats",
    arguments: UnaryCase.all.filter { ["exp", "sigmoid", "tanh"].contains($0.name) })
  func denseSample(operation: UnaryCase) {
    // Every 2,039th bit pattern: 2.1 million floats of both signs and all binades.
    var x: [Float] = []
    for bits in stride(from: UInt32(0), to: UInt32.max - 2039, by: 2039) {
      let value = Float(bitPattern: bits)
      if !value.isNaN { x.append(value) }
    }
    check(operation, x)
  }

  @Test("sigmoid stays in 0...1 and tanh in -1...1")
  func ranges() {
    let x = Tensor((-2000...2000).map { Float($0) * 0.06 })
    #expect(x.sigmoid().elements.allSatisfy { (0...1).contains($0) })
    #expect(x.tanh().elements.allSatisfy { (-1...1).contains($0) })
  }

  @Test("the operand is left as it was")
  func operandsAreKept() {
    let x = Tensor([1, 2, 3])
    _ = x.exp()
    _ = x + x
    #expect(x.elements == [1, 2, 3])
  }

  @Test("only tensors without infinity and NaN are finite")
  func finiteness() {
    for size in Self.sizes {
      #expect(Tensor.zeros(Shape(vector: size)).isFinite)
      for bad in [Float.nan, .infinity, -.infinity] {
        for position in Set([0, size / 2, size - 1]) where position >= 0 && position < size {
          var elements = [Float](repeating: .greatestFiniteMagnitude, count: size)
          elements[position] = bad
          #expect(!Tensor(elements).isFinite, "\(bad) at \(position) of \(size)")
        }
      }
    }
  }
}

/// An operation on two tensors and what it should be.
struct BinaryCase: Sendable, CustomTestStringConvertible {
  let name: String
  let operation: @Sendable (Tensor, Tensor) -> Tensor
  let truth: @Sendable (Double, Double) -> Double

  var testDescription: String { name }

  static let all: [BinaryCase] = [
    BinaryCase(name: "+", operation: { $0 + $1 }, truth: { $0 + $1 }),
    BinaryCase(name: "-", operation: { $0 - $1 }, truth: { $0 - $1 }),
    BinaryCase(name: "*", operation: { $0 * $1 }, truth: { $0 * $1 }),
    BinaryCase(name: "/", operation: { $0 / $1 }, truth: { $0 / $1 }),
    BinaryCase(
      name: "dividedOrZero", operation: { $0.dividedOrZero(by: $1) },
      truth: { $0 == 0 && $1 == 0 ? 0 : $0 / $1 }),
  ]
}

/// One rounding of the exact result: 0.5 ulp. (A double holds the exact sum, difference or product
/// of two floats of like size, and a quotient to far below an ulp of float.)
@Suite("Arithmetic with broadcasting")
struct ArithmeticTests {
  private func check(_ operation: BinaryCase, _ a: Tensor, _ b: Tensor) {
    let result = operation.operation(a, b)
    let expected = a.naive.combined(with: b.naive, operation.truth)
    #expect(result.shape.dimensions == expected.shape, "\(a.shape), \(b.shape)")
    let errors = zip(result.elements, expected.elements).map { ulps(of: $0, from: $1) }
    #expect(errors.allSatisfy { $0 <= 0.5001 }, "\(a.shape), \(b.shape): \(errors.max() ?? 0) ulp")
  }

  @Test("every pair of small shapes that fit gives what loops give", arguments: BinaryCase.all)
  func broadcasting(operation: BinaryCase) {
    for (index, a) in ShapeTests.small.enumerated() {
      for b in ShapeTests.small where NaiveTensor.broadcast(a, b) != nil {
        check(operation, .random(Shape(a), seed: index), .random(Shape(b), seed: index + 1000))
      }
    }
  }

  @Test("arrays of any size, with an array, a row and a number", arguments: BinaryCase.all)
  func sizes(operation: BinaryCase) {
    for size in ElementwiseTests.sizes {
      let a = Tensor.random([3, size], seed: size)
      let row = Tensor.random([size], seed: size + 1)
      check(operation, a, .random([3, size], seed: size + 2))
      check(operation, a, row)
      check(operation, row, a)
      check(operation, row, Tensor(0.7))
      check(operation, Tensor(0.7), row)
      check(operation, a, Tensor([0.7], shape: [1, 1]))
    }
  }

  @Test("zeros, infinities and NaN combine as IEEE 754 says", arguments: BinaryCase.all)
  func specialValues(operation: BinaryCase) {
    let values: [Float] = [0, -0.0, 1, .infinity, -.infinity, .nan]
    let pairs = values.flatMap { a in values.map { (a, $0) } }
    check(operation, Tensor(pairs.map(\.0)), Tensor(pairs.map(\.1)))
    check(operation, Tensor(values), Tensor(0))
    check(operation, Tensor(0), Tensor(values))
  }

  @Test("0 over 0 is 0 where that is asked for, and only that")
  func zeroOverZero() {
    let quotient = Tensor([0, 0, 1, -1, 0]).dividedOrZero(by: Tensor([0, 2, 0, 0, -0.0]))
    #expect(quotient.elements == [0, 0, .infinity, -.infinity, 0])
    #expect(Tensor([.nan]).dividedOrZero(by: Tensor([0])).elements[0].isNaN)
  }

  @Test("adding in place is adding")
  func addingInPlace() {
    for size in ElementwiseTests.sizes {
      let a = Tensor.random(Shape(vector: size), seed: 1)
      let b = Tensor.random(a.shape, seed: 2)
      var sum = a
      sum += b
      #expect(haveSameBits(sum.elements, (a + b).elements))
    }
  }
}
