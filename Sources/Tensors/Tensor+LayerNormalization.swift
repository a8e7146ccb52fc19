internal import CKernels

/// Rows less their means, over their standard deviations, and the inverses of these.
package struct NormalizedRows: Sendable {
  /// (x - mean) / sqrt(variance + epsilon), of the shape of x.
  package let result: Tensor
  /// 1 / sqrt(variance + epsilon), one a row.
  package let inverse: Tensor
}

extension Tensor {
  /// The rows along the last axis, each normalized by its own mean and biased variance.
  ///
  /// - Precondition: rank of at least 1, and rows that are not empty.
  package func layerNormalized(epsilon: Float) -> NormalizedRows {
    demand(shape.rank >= 1 && shape[-1] > 0, "layer normalization of shape \(shape)")
    let n = shape[-1]
    let rows = count / n
    var inverse = Tensor(uninitialized: [rows]) { _ in }
    let result = withUnsafeFloats { source in
      inverse.withUnsafeMutableFloats { inverse in
        Tensor(uninitialized: shape) {
          ck_layer_norm_f32(Int64(rows), Int64(n), source, epsilon, $0, inverse)
        }
      }
    }
    return NormalizedRows(result: result, inverse: inverse)
  }

  /// The gradient in x of the sum of the products of x normalized and this.
  ///
  /// - Precondition: this has the shape of x.
  package func layerNormalizationGradient(_ rows: NormalizedRows) -> Tensor {
    demand(
      shape == rows.result.shape,
      "gradient of a normalization of \(rows.result.shape) for cotangents of shape \(shape)")
    let n = shape[-1]
    return withUnsafeFloats { cotangent in
      rows.result.withUnsafeFloats { z in
        rows.inverse.withUnsafeFloats { inverse in
          Tensor(uninitialized: shape) {
            ck_layer_norm_gradient_f32(
              Int64(count / n), Int64(n), cotangent, z, inverse, $0)
          }
        }
      }
    }
  }
}
