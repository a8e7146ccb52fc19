import Foundation
package import Tensors

/// e to the x in double precision.
package func exponential(_ x: Double) -> Double { exp(x) }

/// The natural logarithm in double precision.
package func logarithm(_ x: Double) -> Double { log(x) }

/// The distance of a float32 result from the true value, in units in the last place of the true
/// value's float32 binade (2^-149 among the denormals).
///
/// 0 for equal infinities and for two NaNs, infinite where only one of them is.
package func ulps(of result: Float, from truth: Double) -> Double {
  let rounded = Float(truth)
  if result.isNaN || rounded.isNaN { return result.isNaN && rounded.isNaN ? 0 : .infinity }
  if result.isInfinite || rounded.isInfinite { return result == rounded ? 0 : .infinity }
  let exponent = truth == 0 ? -126 : max(truth.exponent, -126)
  return abs(Double(result) - truth) / scalbn(1, Int(exponent) - 23)
}

/// The Euclidean distance of two vectors over the norm of the second; the distance itself where that
/// is 0.
///
/// - Precondition: equal counts.
package func relativeError(
  _ result: some Collection<Double>, _ truth: some Collection<Double>
) -> Double {
  precondition(result.count == truth.count, "\(result.count) values against \(truth.count)")
  var distance = 0.0
  var norm = 0.0
  for (a, b) in zip(result, truth) {
    distance += (a - b) * (a - b)
    norm += b * b
  }
  return norm > 0 ? (distance / norm).squareRoot() : distance.squareRoot()
}

/// The relative error of float32 values.
package func relativeError(
  _ result: some Collection<Float>, _ truth: some Collection<Float>
) -> Double {
  relativeError(result.map(Double.init), truth.map(Double.init))
}

/// Whether two lists hold the same bits: NaN equals NaN, 0 differs from -0.
package func haveSameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.map(\.bitPattern) == b.map(\.bitPattern)
}

extension Tensor {
  /// The same numbers in double precision.
  package var naive: NaiveTensor {
    NaiveTensor(elements.map(Double.init), shape: shape.dimensions)
  }

  /// Numbers rounded to float32.
  package init(_ naive: NaiveTensor) {
    self.init(naive.elements.map { Float($0) }, shape: Shape(naive.shape))
  }

  /// Reproducible normal numbers that make no two tests of the same shape alike.
  package static func random(
    _ shape: Shape, seed: Int, standardDeviation: Float = 1
  ) -> Tensor {
    var stream = RandomStream(seed: UInt64(seed), purpose: .test)
    return stream.normal(shape, standardDeviation: standardDeviation)
  }
}
