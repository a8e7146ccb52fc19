public import Tensors

/// The maxima of windows: where they are does not change with small changes of the operand.
struct MaxPool2D: Primitive {
  let indices: PoolIndices

  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.scattered(to: indices), into: 0)
  }
}

struct Gather: Primitive {
  let indices: PoolIndices

  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.scattered(to: indices), into: 0)
  }
}

struct Scatter: Primitive {
  let indices: PoolIndices

  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.gathered(at: indices), into: 0)
  }
}

extension Variable {
  /// The largest numbers of square windows of images [batch, height, width, channels], channel by
  /// channel: [batch, out height, out width, channels].
  ///
  /// Padding is never the maximum. The derivative goes to the largest element, to the first in
  /// row-major order where several are equal.
  public func maxPool2D(window: Int, stride: Int, padding: Padding = .same) -> Variable {
    let (maxima, indices) = value.maxPool2D(window: window, stride: stride, padding: padding)
    return .apply(MaxPool2D(indices: indices), self, value: maxima)
  }

  /// The elements at the given places.
  package func gathered(at indices: PoolIndices) -> Variable {
    .apply(Gather(indices: indices), self, value: value.gathered(at: indices))
  }

  /// Zeros, with the elements added at the given places: the adjoint of `gathered`.
  package func scattered(to indices: PoolIndices) -> Variable {
    .apply(Scatter(indices: indices), self, value: value.scattered(to: indices))
  }
}
