internal import CKernels

/// Places in a tensor, one for each element of another: where a pooling found its maxima.
///
/// `@unchecked Sendable`: written only while it is made.
package struct PoolIndices: @unchecked Sendable {
  /// The shape that the places are in.
  package let source: Shape
  /// The shape of what is at these places.
  package let shape: Shape
  // The bits of Int32 values; a tensor for its storage.
  private var bits: Tensor

  init(
    source: Shape, shape: Shape, initializedBy body: (UnsafeMutablePointer<Int32>) -> Void
  ) {
    self.source = source
    self.shape = shape
    bits = Tensor(uninitialized: shape) { floats in
      floats.withMemoryRebound(to: Int32.self, capacity: shape.count, body)
    }
  }

  func withUnsafeIndices<Result>(_ body: (UnsafePointer<Int32>) -> Result) -> Result {
    bits.withUnsafeFloats { floats in
      floats.withMemoryRebound(to: Int32.self, capacity: shape.count, body)
    }
  }
}

extension Tensor {
  func poolShape(window: Int, stride: Int, padding: Padding) -> ck_pool {
    demand(shape.rank == 4 && shape[3] > 0, "pooling of images of shape \(shape)")
    let rows = WindowPlacement(extent: shape[1], window: window, stride: stride, padding: padding)
    let columns = WindowPlacement(
      extent: shape[2], window: window, stride: stride, padding: padding)
    return ck_pool(
      batch: Int64(shape[0]), height: Int64(shape[1]), width: Int64(shape[2]),
      channels: Int64(shape[3]), window: Int64(window), stride: Int64(stride),
      top: Int64(rows.before), left: Int64(columns.before), out_height: Int64(rows.count),
      out_width: Int64(columns.count))
  }

  /// The largest numbers of square windows of images [batch, height, width, channels], channel by
  /// channel, and their places.
  ///
  /// Padding is never the maximum; of equal numbers the first in row-major order counts, and NaN
  /// counts as largest.
  ///
  /// - Precondition: rank 4, no extent 0 but the batch's, and at least one window.
  package func maxPool2D(
    window: Int, stride: Int, padding: Padding
  ) -> (maxima: Tensor, indices: PoolIndices) {
    let pool = poolShape(window: window, stride: stride, padding: padding)
    let target: Shape = [shape[0], Int(pool.out_height), Int(pool.out_width), shape[3]]
    var maxima: Tensor?
    let indices = PoolIndices(source: shape, shape: target) { index in
      maxima = withUnsafeFloats { source in
        Tensor(uninitialized: target) { result in
          withUnsafePointer(to: pool) { ck_max_pool_f32($0, source, result, index) }
        }
      }
    }
    return (maxima ?? .zeros(target), indices)
  }

  /// The elements at the given places.
  ///
  /// - Precondition: places in a tensor of this shape.
  package func gathered(at indices: PoolIndices) -> Tensor {
    demand(shape == indices.source, "places in \(indices.source) looked up in \(shape)")
    return withUnsafeFloats { source in
      indices.withUnsafeIndices { index in
        Tensor(uninitialized: indices.shape) {
          ck_gather_f32(Int64(indices.shape.count), source, index, $0)
        }
      }
    }
  }

  /// Zeros, with this tensor's elements added at the given places: the adjoint of `gathered`.
  ///
  /// - Precondition: a place for each element.
  package func scattered(to indices: PoolIndices) -> Tensor {
    demand(shape == indices.shape, "\(indices.shape) places for elements of \(shape)")
    return withUnsafeFloats { source in
      indices.withUnsafeIndices { index in
        Tensor(uninitialized: indices.source) {
          ck_scatter_add_f32(
            Int64(shape.count), source, index, Int64(indices.source.count), $0)
        }
      }
    }
  }
}
