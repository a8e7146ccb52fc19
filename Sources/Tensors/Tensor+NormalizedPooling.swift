internal import CKernels

/// What a normalized, rectified and pooled tensor's gradient needs besides the operands.
package struct NormalizedPooling: Sendable {
  /// The statistics of the operand.
  package let statistics: BatchStatistics
  /// The places of the maxima.
  package let indices: PoolIndices
  /// The window, its stride and padding.
  package let window: (extent: Int, stride: Int, padding: Padding)
  /// The offset.
  package let offset: Tensor
  /// The result.
  package let result: Tensor
}

extension Tensor {
  /// Images [batch, height, width, channels] with each channel normalized over the batch, an offset
  /// added, negative numbers set to 0, and the largest of each window taken.
  ///
  /// As all of these keep the order of numbers, the largest is looked for first.
  ///
  /// - Precondition: rank 4, at least one element, an offset for each channel, at least one window.
  package func normalizedAndPooled(
    offset: Tensor, epsilon: Float, window: Int, stride: Int, padding: Padding
  ) -> NormalizedPooling {
    let statistics = batchStatistics(epsilon: epsilon)
    let pool = poolShape(window: window, stride: stride, padding: padding)
    demand(
      offset.shape == [shape[3]],
      "batch normalization of \(shape) with an offset of shape \(offset.shape)")
    let target: Shape = [shape[0], Int(pool.out_height), Int(pool.out_width), shape[3]]
    var result = Tensor(uninitialized: target) { _ in }
    let indices = PoolIndices(source: shape, shape: target) { index in
      result.withUnsafeMutableFloats { z in
        self.withNormalization(statistics, offset) { x, mean, inverse, offset in
          withUnsafePointer(to: pool) { ck_norm_pool_f32($0, x, mean, inverse, offset, z, index) }
        }
      }
    }
    return NormalizedPooling(
      statistics: statistics, indices: indices, window: (window, stride, padding), offset: offset,
      result: result)
  }

  /// The gradient in `x` of the sum of the products of x normalized and pooled and this.
  ///
  /// - Precondition: x's pooling, and cotangents of the shape of its result.
  package func normalizedPoolingGradient(_ x: Tensor, _ pooling: NormalizedPooling) -> Tensor {
    demand(
      shape == pooling.result.shape && x.shape == pooling.indices.source,
      "gradient of a pooling of \(x.shape) for cotangents of shape \(shape)")
    let pool = x.poolShape(
      window: pooling.window.extent, stride: pooling.window.stride,
      padding: pooling.window.padding)
    return withUnsafeFloats { dz in
      x.withNormalization(pooling.statistics, pooling.offset) { source, mean, inverse, offset in
        pooling.result.withUnsafeFloats { z in
          pooling.indices.withUnsafeIndices { index in
            Tensor(uninitialized: x.shape) { dx in
              withUnsafePointer(to: pool) {
                ck_norm_pool_gradient_f32($0, dz, source, mean, inverse, offset, z, index, dx)
              }
            }
          }
        }
      }
    }
  }

  private func withNormalization<Result>(
    _ statistics: BatchStatistics, _ offset: Tensor,
    _ body: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
    ) -> Result
  ) -> Result {
    withUnsafeFloats { x in
      statistics.mean.withUnsafeFloats { mean in
        statistics.inverse.withUnsafeFloats { inverse in
          offset.withUnsafeFloats { body(x, mean, inverse, $0) }
        }
      }
    }
  }
}
