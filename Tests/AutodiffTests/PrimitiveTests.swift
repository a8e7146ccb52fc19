import Autodiff
import Foundation
import Tensors
import TestSupport
import Testing

/// Every primitive: value, first and second derivative.
///
/// Derivatives are compared with central differences of the double-precision twin (step 1e-3,
/// extrapolated once: error below 1e-8), so the tolerance is that of float32: 2e-6 of the norm for
/// values, 1e-5 for derivatives, whose rules are a few operations each.
@Suite("Primitives")
struct PrimitiveTests {
  /// phi(x) = sum of projection * f(x), in double precision.
  private static func phi(
    _ primitive: PrimitiveCase, _ projection: [Double], at point: [NaiveTensor]
  ) -> Double {
    zip(primitive.truth(point).elements, projection).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func moved(
    _ point: [NaiveTensor], along direction: [[Double]], by step: Double
  ) -> [NaiveTensor] {
    zip(point, direction).map { tensor, direction in
      NaiveTensor(
        zip(tensor.elements, direction).map { $0 + step * $1 }, shape: tensor.shape)
    }
  }

  /// (4 D(h) - D(2h)) / 3 for a difference quotient D with an error of order h^2.
  private static func extrapolated(_ quotient: (Double) -> Double) -> Double {
    (4 * quotient(1e-3) - quotient(2e-3)) / 3
  }

  /// The derivative of `function` in every coordinate of the point.
  private static func derivatives(
    at point: [NaiveTensor], of function: ([NaiveTensor]) -> Double
  ) -> [Double] {
    point.indices.flatMap { operand in
      point[operand].elements.indices.map { element in
        extrapolated { h in
          func value(_ step: Double) -> Double {
            var point = point
            point[operand].elements[element] += step
            return function(point)
          }
          return (value(h) - value(-h)) / (2 * h)
        }
      }
    }
  }

  private func random(_ count: Int, seed: Int) -> [Double] {
    Tensor.random([count], seed: seed).elements.map(Double.init)
  }

  /// The relative error, where rounding errors are measured against numbers of at least 0.1.
  private func error(_ result: [Float], _ truth: [Double]) -> Double {
    // A second derivative of 0 has nothing else to be relative to.
    relativeError(result.map(Double.init) + [0.1], truth + [0.1])
  }

  @Test("the value is that of the formula", arguments: PrimitiveCase.all)
  func value(primitive: PrimitiveCase) {
    let result = primitive.function(primitive.point.map { Variable(Tensor($0)) })
    let truth = primitive.truth(primitive.point)
    #expect(result.shape.dimensions == truth.shape)
    #expect(error(result.value.elements, truth.elements) < 2e-6)
  }

  @Test("first and second derivatives agree with differences", arguments: PrimitiveCase.all)
  func derivatives(primitive: PrimitiveCase) {
    let tape = Tape()
    let point = primitive.point.map { tape.variable(Tensor($0)) }
    let result = primitive.function(point)
    let projection = random(result.value.count, seed: 11)
    let weights = Variable(Tensor(projection.map { Float($0) }, shape: result.shape))
    let first = gradient(of: (result * weights).sum(), withRespectTo: point, recording: true)
    #expect(first.map(\.shape) == point.map(\.shape))

    let truth = Self.derivatives(at: primitive.point) { Self.phi(primitive, projection, at: $0) }
    #expect(error(first.flatMap(\.value.elements), truth) < 1e-5)

    // The gradient's projection on a direction q, differentiated again, is H q.
    let direction = primitive.point.enumerated().map { random($1.elements.count, seed: 12 + $0) }
    let seeds = zip(point, direction).map { variable, direction in
      Variable(Tensor(direction.map { Float($0) }, shape: variable.shape))
    }
    let second = gradients(of: first, seeds: seeds, withRespectTo: point)
    let product = Self.derivatives(at: primitive.point) { point in
      Self.extrapolated { h in
        (Self.phi(primitive, projection, at: Self.moved(point, along: direction, by: h))
          - Self.phi(primitive, projection, at: Self.moved(point, along: direction, by: -h)))
          / (2 * h)
      }
    }
    #expect(error(second.flatMap(\.value.elements), product) < 1e-5)
  }

  @Test("gradients that are not recorded equal those that are", arguments: PrimitiveCase.all)
  func recording(primitive: PrimitiveCase) {
    let tape = Tape()
    let point = primitive.point.map { tape.variable(Tensor($0)) }
    let sum = primitive.function(point).squared().sum()
    let plain = gradient(of: sum, withRespectTo: point)
    let count = tape.count
    let recorded = gradient(of: sum, withRespectTo: point, recording: true)
    #expect(count < tape.count)
    #expect(
      haveSameBits(plain.flatMap(\.value.elements), recorded.flatMap(\.value.elements)))
  }

  // Differences would take long here, and the product's gradients have a formula.
  @Test("large products, which BLAS computes, have the gradients of the formula")
  func largeProducts() {
    for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
      let a = Tensor.random(transposeA ? [17, 33] : [33, 17], seed: 1)
      let b = Tensor.random(transposeB ? [19, 17] : [17, 19], seed: 2)
      let weights = Tensor.random([33, 19], seed: 3)
      let tape = Tape()
      let point = [tape.variable(a), tape.variable(b)]
      let product = Variable.product(
        point[0], point[1], transposeA: transposeA, transposeB: transposeB)
      let slopes = gradient(of: (product * Variable(weights)).sum(), withRespectTo: point)
      let ofA = NaiveTensor.product(weights.naive, b.naive, transposeB: !transposeB)
      let ofB = NaiveTensor.product(a.naive, weights.naive, transposeA: !transposeA)
      let truths = [
        transposeA ? ofA.transposed([1, 0]) : ofA, transposeB ? ofB.transposed([1, 0]) : ofB,
      ]
      for (slope, truth) in zip(slopes, truths) {
        // Sums of some 20 products in float32.
        #expect(relativeError(slope.value.naive.elements, truth.elements) < 1e-6)
      }
    }
  }

  @Test("every rule in the sources is in the table")
  func completeness() throws {
    let rules = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Autodiff/Rules").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(
      at: rules, includingPropertiesForKeys: nil)
    let names = try files.flatMap { file in
      try String(contentsOf: file, encoding: .utf8)
        .matches(of: /struct (\w+): Primitive/).map { String($0.output.1) }
    }
    #expect(Set(names) == Set(PrimitiveCase.all.map(\.rule)))
  }
}
