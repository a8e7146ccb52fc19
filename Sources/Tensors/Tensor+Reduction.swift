internal import CKernels

extension Tensor {
  /// The sum of all elements as a scalar, accumulated in double precision.
  public func sum() -> Tensor {
    Tensor(Float(withUnsafeFloats { ck_sum_f32(Int64(count), $0) }))
  }

  /// The sum of the products of corresponding elements, accumulated in double precision.
  ///
  /// - Precondition: equal counts.
  public func dot(_ other: Tensor) -> Double {
    demand(count == other.count, "dot product of shapes \(shape) and \(other.shape)")
    return withUnsafeFloats { a in
      other.withUnsafeFloats { ck_dot_f32(Int64(count), a, $0) }
    }
  }

  /// Sums over the axes along which `shape` would be stretched to this tensor's shape: the adjoint
  /// of `broadcast(to:)`.
  ///
  /// - Precondition: `shape` broadcasts to this shape.
  public func sum(to target: Shape) -> Tensor {
    if target == shape { return self }
    if target.count == 1 { return sum().reshaped(to: target) }
    if target.isSuffix(of: shape), target.count > 0 {
      return withUnsafeFloats { source in
        Tensor(uninitialized: target) {
          ck_sum_rows_f32(Int64(count / target.count), Int64(target.count), source, $0)
        }
      }
    }
    if target.rank == shape.rank, target[-1] == 1, shape[-1] > 0,
      target.replacing(axis: -1, with: shape[-1]) == shape
    {
      return withUnsafeFloats { source in
        Tensor(uninitialized: target) {
          ck_sum_columns_f32(Int64(target.count), Int64(shape[-1]), source, $0)
        }
      }
    }
    let strides = target.broadcastStrides(to: shape)
    return withUnsafeFloats { source in
      Tensor(uninitialized: target) { result in
        result.update(repeating: 0, count: target.count)
        shape.forEachOffset(strides) { index, offset in result[offset] += source[index] }
      }
    }
  }

  /// The elements repeated along new axes and axes of extent 1, as NumPy broadcasts.
  ///
  /// - Precondition: this shape broadcasts to `target`.
  public func broadcast(to target: Shape) -> Tensor {
    if target == shape { return self }
    if count == 1 { return Tensor(repeating: scalar, shape: target) }
    let strides = shape.broadcastStrides(to: target)
    return withUnsafeFloats { source in
      Tensor(uninitialized: target) { result in
        target.forEachOffset(strides) { index, offset in result[index] = source[offset] }
      }
    }
  }
}

extension Shape {
  /// The row-major strides of this shape, in elements.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * self[axis + 1]
    }
    return strides
  }

  /// For each axis of `target`, the stride in this shape; 0 where it is stretched.
  func broadcastStrides(to target: Shape) -> [Int] {
    demand(
      broadcast(with: target) == target, "shape \(self) does not broadcast to \(target)")
    let own = strides
    return (0..<target.rank).map { axis in
      let mine = axis - (target.rank - rank)
      return mine < 0 || self[mine] == 1 ? 0 : own[mine]
    }
  }

  /// Walks this shape in row-major order, calling `body` with the running index and the offset
  /// that `strides` give it.
  func forEachOffset(_ strides: [Int], _ body: (_ index: Int, _ offset: Int) -> Void) {
    guard count > 0 else { return }
    guard rank > 0 else { return body(0, 0) }
    let extents = dimensions
    let inner = extents[rank - 1]
    let innerStride = strides[rank - 1]
    var position = [Int](repeating: 0, count: rank)
    var offset = 0
    var index = 0
    while true {
      for step in 0..<inner { body(index + step, offset + step * innerStride) }
      index += inner
      var axis = rank - 2
      while axis >= 0 {
        position[axis] += 1
        offset += strides[axis]
        if position[axis] < extents[axis] { break }
        offset -= strides[axis] * extents[axis]
        position[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
