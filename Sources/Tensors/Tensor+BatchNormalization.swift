internal import CKernels

/// The mean and the inverse standard deviation of a batch, for each index of the last axis.
package struct BatchStatistics: Sendable {
  /// The means.
  package let mean: Tensor
  /// 1 / sqrt(variance + epsilon).
  package let inverse: Tensor
}

extension Tensor {
  /// The rows and columns of this tensor seen as a matrix whose columns are the last axis.
  private var rowsAndColumns: (rows: Int64, columns: Int64) {
    demand(
      shape.rank >= 1 && count > 0, "batch statistics of a tensor of shape \(shape)")
    return (Int64(count / shape[-1]), Int64(shape[-1]))
  }

  /// The statistics over all axes but the last, with the biased variance.
  ///
  /// - Precondition: at least one element.
  package func batchStatistics(epsilon: Float) -> BatchStatistics {
    let (rows, columns) = rowsAndColumns
    var inverse = Tensor.zeros([shape[-1]])
    let mean = withUnsafeFloats { source in
      inverse.withUnsafeMutableFloats { inverse in
        Tensor(uninitialized: [shape[-1]]) {
          ck_batch_statistics_f32(rows, columns, source, epsilon, $0, inverse)
        }
      }
    }
    return BatchStatistics(mean: mean, inverse: inverse)
  }

  /// (x - mean) inverse + offset.
  ///
  /// - Precondition: an offset for each index of the last axis.
  package func batchNormalized(_ statistics: BatchStatistics, offset: Tensor) -> Tensor {
    let (rows, columns) = rowsAndColumns
    demand(
      offset.shape == [shape[-1]] && statistics.mean.shape == offset.shape,
      "batch normalization of \(shape) with an offset of shape \(offset.shape)")
    return withUnsafeFloats { x in
      statistics.mean.withUnsafeFloats { mean in
        statistics.inverse.withUnsafeFloats { inverse in
          offset.withUnsafeFloats { offset in
            Tensor(uninitialized: shape) {
              ck_batch_norm_f32(rows, columns, x, mean, inverse, offset, $0)
            }
          }
        }
      }
    }
  }

  /// The gradient in `x` of the sum of the products of x normalized and this.
  ///
  /// - Precondition: x of this shape, and its statistics.
  package func batchNormalizationGradient(
    _ x: Tensor, _ statistics: BatchStatistics
  ) -> Tensor {
    let (rows, columns) = rowsAndColumns
    demand(
      shape == x.shape && statistics.mean.shape == [shape[-1]],
      "gradient of a normalization of \(x.shape) for cotangents of shape \(shape)")
    return withUnsafeFloats { cotangent in
      x.withUnsafeFloats { x in
        statistics.mean.withUnsafeFloats { mean in
          statistics.inverse.withUnsafeFloats { inverse in
            Tensor(uninitialized: shape) {
              ck_batch_norm_gradient_f32(rows, columns, cotangent, x, mean, inverse, $0)
            }
          }
        }
      }
    }
  }
}
