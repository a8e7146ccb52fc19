internal import CKernels

extension Tensor {
  /// The tensor with its axes in another order: axis i of the result is axis `order[i]` of this.
  ///
  /// - Precondition: `order` is a permutation of the axes.
  public func transposed(_ order: [Int]) -> Tensor {
    demand(
      order.sorted() == Array(0..<shape.rank), "\(order) does not order the axes of \(shape)")
    let target = Shape(order.map { shape[$0] })
    if let (outer, a, b, inner) = exchange(order) {
      return withUnsafeFloats { source in
        Tensor(uninitialized: target) { ck_exchange_axes_f32(outer, a, b, inner, source, $0) }
      }
    }
    let own = shape.strides
    return withUnsafeFloats { source in
      Tensor(uninitialized: target) { result in
        target.forEachOffset(order.map { own[$0] }) { result[$0] = source[$1] }
      }
    }
  }

  /// The extents before, of, and after two neighbouring axes if `order` exchanges just these.
  private func exchange(_ order: [Int]) -> (Int64, Int64, Int64, Int64)? {
    guard let axis = order.indices.first(where: { order[$0] != $0 }), axis + 1 < order.count,
      order[axis] == axis + 1, order[axis + 1] == axis,
      order[(axis + 2)...].elementsEqual((axis + 2)..<order.count)
    else { return nil }
    let outer = shape.extents(around: axis).outer
    let inner = shape.extents(around: axis + 1).inner
    return (Int64(outer), Int64(shape[axis]), Int64(shape[axis + 1]), Int64(inner))
  }

  /// Elements `start ..< start + count` along one axis.
  ///
  /// Along the first axis the result shares storage, else it is a copy.
  public func slice(axis: Int, from start: Int, count length: Int) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    demand(
      start >= 0 && length >= 0 && start + length <= shape[axis],
      "slice \(start)..<\(start + length) along axis \(axis) of shape \(shape)")
    let target = shape.replacing(axis: axis, with: length)
    if target == shape { return self }
    let (outer, inner) = shape.extents(around: axis)
    if outer == 1 { return view(from: start * inner, shape: target) }
    let extent = shape[axis]
    return withUnsafeFloats { source in
      Tensor(uninitialized: target) { result in
        for block in 0..<outer {
          (result + block * length * inner).update(
            from: source + (block * extent + start) * inner, count: length * inner)
        }
      }
    }
  }

  /// The tensor surrounded by zeros along one axis: the adjoint of `slice`.
  public func padded(axis: Int, from start: Int, to extent: Int) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    let length = shape[axis]
    demand(
      start >= 0 && start + length <= extent,
      "padding axis \(axis) of shape \(shape) from \(start) to \(extent)")
    let target = shape.replacing(axis: axis, with: extent)
    let (outer, inner) = shape.extents(around: axis)
    return withUnsafeFloats { source in
      Tensor(uninitialized: target) { result in
        result.update(repeating: 0, count: target.count)
        for block in 0..<outer {
          (result + (block * extent + start) * inner).update(
            from: source + block * length * inner, count: length * inner)
        }
      }
    }
  }

  /// Tensors joined along one axis.
  ///
  /// - Precondition: at least one tensor; all shapes equal except along the axis.
  public static func concatenated(_ tensors: [Tensor], axis: Int) -> Tensor {
    let first = tensors[0].shape
    let axis = axis < 0 ? axis + first.rank : axis
    let extent = tensors.reduce(0) { $0 + $1.shape[axis] }
    let target = first.replacing(axis: axis, with: extent)
    for tensor in tensors {
      demand(
        tensor.shape.replacing(axis: axis, with: extent) == target,
        "shapes \(first) and \(tensor.shape) can't be joined along axis \(axis)")
    }
    let (outer, inner) = first.extents(around: axis)
    return Tensor(uninitialized: target) { result in
      var start = 0
      for tensor in tensors {
        let run = tensor.shape[axis] * inner
        tensor.withUnsafeFloats { source in
          for block in 0..<outer {
            (result + block * extent * inner + start).update(
              from: source + block * run, count: run)
          }
        }
        start += run
      }
    }
  }
}

extension Shape {
  /// The number of elements before and after an axis: [outer, axis, inner].
  func extents(around axis: Int) -> (outer: Int, inner: Int) {
    var outer = 1
    var inner = 1
    for i in 0..<axis { outer *= self[i] }
    for i in axis + 1..<max(rank, axis + 1) { inner *= self[i] }
    return (outer, inner)
  }
}
