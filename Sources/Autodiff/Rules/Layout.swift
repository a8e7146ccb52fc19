public import Tensors

struct SumTo: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.broadcast(to: site.shape(0)), into: 0)
  }
}

struct Broadcast: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.sum(to: site.shape(0)), into: 0)
  }
}

struct Reshape: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.reshaped(to: site.shape(0)), into: 0)
  }
}

struct Transpose: Primitive {
  let order: [Int]

  func pullback(_ site: inout Pullback) {
    var inverse = order
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    site.accumulate(site.cotangent.transposed(inverse), into: 0)
  }
}

struct Slice: Primitive {
  let axis: Int
  let start: Int

  func pullback(_ site: inout Pullback) {
    site.accumulate(
      site.cotangent.padded(axis: axis, from: start, to: site.shape(0)[axis]), into: 0)
  }
}

struct Pad: Primitive {
  let axis: Int
  let start: Int

  func pullback(_ site: inout Pullback) {
    site.accumulate(
      site.cotangent.slice(axis: axis, from: start, count: site.shape(0)[axis]), into: 0)
  }
}

struct Concatenate: Primitive {
  let axis: Int
  let count: Int

  func pullback(_ site: inout Pullback) {
    var start = 0
    for operand in 0..<count {
      let extent = site.shape(operand)[axis]
      if site.needs(operand) {
        site.accumulate(
          site.cotangent.slice(axis: axis, from: start, count: extent), into: operand)
      }
      start += extent
    }
  }
}

extension Variable {
  /// The sum of all elements, a scalar.
  public func sum() -> Variable { sum(to: .scalar) }

  /// The mean of all elements, a scalar.
  public func mean() -> Variable { sum() * (1 / Float(shape.count)) }

  /// Sums over the axes along which `shape` would be stretched to this shape.
  public func sum(to target: Shape) -> Variable {
    target == shape ? self : .apply(SumTo(), self, value: value.sum(to: target))
  }

  /// The elements repeated to fill `target`.
  public func broadcast(to target: Shape) -> Variable {
    target == shape ? self : .apply(Broadcast(), self, value: value.broadcast(to: target))
  }

  /// The same elements in another shape.
  public func reshaped(to target: Shape) -> Variable {
    target == shape ? self : .apply(Reshape(), self, value: value.reshaped(to: target))
  }

  /// The axes in another order: axis i of the result is axis `order[i]` of this.
  public func transposed(_ order: [Int]) -> Variable {
    .apply(Transpose(order: order), self, value: value.transposed(order))
  }

  /// Elements `start ..< start + count` along one axis (negative: from the last).
  public func slice(axis: Int, from start: Int, count: Int) -> Variable {
    .apply(
      Slice(axis: axis, start: start), self,
      value: value.slice(axis: axis, from: start, count: count))
  }

  /// The value surrounded by zeros along one axis: the adjoint of `slice`.
  public func padded(axis: Int, from start: Int, to extent: Int) -> Variable {
    .apply(
      Pad(axis: axis, start: start), self,
      value: value.padded(axis: axis, from: start, to: extent))
  }

  /// This and another value joined along one axis.
  public func concatenated(with other: Variable, axis: Int) -> Variable {
    .apply(
      Concatenate(axis: axis, count: 2), self, other,
      value: Tensor.concatenated([value, other.value], axis: axis))
  }

  /// Values joined along one axis, each copied once.
  ///
  /// - Precondition: at least one value.
  public static func concatenated(_ values: [Variable], axis: Int) -> Variable {
    values.count == 1
      ? values[0]
      : .apply(
        Concatenate(axis: axis, count: values.count), values,
        value: Tensor.concatenated(values.map(\.value), axis: axis))
  }
}
