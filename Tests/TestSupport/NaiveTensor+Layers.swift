import Foundation

// Layers of networks, in double precision.
extension NaiveTensor {
  /// Each row along the last axis less its mean, over the root of its variance plus epsilon.
  package func layerNormalized(epsilon: Double) -> NaiveTensor {
    let (mean, deviation) = rowStatistics(epsilon: epsilon)
    return combined(with: mean, -).combined(with: deviation, /)
  }

  /// The gradient in x of the sum of the products of x normalized and this.
  package func layerNormalizationGradient(_ x: NaiveTensor, epsilon: Double) -> NaiveTensor {
    let z = x.layerNormalized(epsilon: epsilon)
    let deviation = x.rowStatistics(epsilon: epsilon).deviation
    return combined(with: rowMean, -)
      .combined(with: z.combined(with: combined(with: z, *).rowMean, *), -)
      .combined(with: deviation, /)
  }

  private var rowMean: NaiveTensor {
    let columns = Double(shape[shape.count - 1])
    return sum(to: shape.dropLast() + [1]).map { $0 / columns }
  }

  private func rowStatistics(
    epsilon: Double
  ) -> (mean: NaiveTensor, deviation: NaiveTensor) {
    let centered = combined(with: rowMean, -)
    return (rowMean, centered.map { $0 * $0 }.rowMean.map { ($0 + epsilon).squareRoot() })
  }

  /// The chosen rows of a table.
  package func rows(at indices: [Int32]) -> NaiveTensor {
    NaiveTensor(shape: [indices.count] + shape.dropFirst()) { index in
      self[[Int(indices[index[0]])] + index.dropFirst()]
    }
  }

  /// A table of zeros with these rows added at the indices.
  package func scatteredRows(to indices: [Int32], count: Int) -> NaiveTensor {
    var result = NaiveTensor(shape: [count] + shape.dropFirst()) { _ in 0 }
    for index in NaiveTensor.indices(of: shape) {
      result[[Int(indices[index[0]])] + index.dropFirst()] += self[index]
    }
    return result
  }

  /// softmax of scores [..., n, n] over columns 0...row, zeros beyond.
  package func causalSoftmax() -> NaiveTensor {
    let masked = NaiveTensor(shape: shape) { index in
      index[index.count - 1] <= index[index.count - 2] ? self[index] : -.infinity
    }
    return masked.softmax()
  }
}

/// log(1 + exp(x)).
package func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// GELU in its tanh form.
package func gelu(_ x: Double) -> Double {
  x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

/// x sigmoid(x).
package func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

/// x above 0, else exp(x) - 1.
package func elu(_ x: Double) -> Double { x > 0 ? x : expm1(x) }

/// The sine of radians.
package func sine(_ x: Double) -> Double { sin(x) }

/// The cosine of radians.
package func cosine(_ x: Double) -> Double { cos(x) }

/// The hyperbolic tangent.
package func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

/// The derivative of `gelu`.
package func geluSlope(_ x: Double) -> Double {
  let a = 2 * (2 / Double.pi).squareRoot()
  let s = 1 / (1 + exp(-a * (x + 0.044715 * x * x * x)))
  return s + x * s * (1 - s) * a * (1 + 3 * 0.044715 * x * x)
}

/// The derivative of `silu`.
package func siluSlope(_ x: Double) -> Double {
  let s = 1 / (1 + exp(-x))
  return s + x * s * (1 - s)
}

/// The derivative of `elu`.
package func eluSlope(_ x: Double) -> Double { x > 0 ? 1 : exp(x) }
