public import Tensors

/// Batch normalization, rectification and max pooling of the first operand.
///
/// The second is the offset. Which elements pass does not change with small changes of the operands.
struct NormalizedMaxPool2D: Primitive {
  let pooling: NormalizedPooling
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    if site.needs(0) {
      site.accumulate(
        site.cotangent.normalizedPoolingGradient(site.operand(0), pooling, epsilon: epsilon),
        into: 0)
    }
    if site.needs(1) {
      let passed = site.cotangent * Variable(pooling.result.isPositive())
      site.accumulate(passed.sum(to: site.shape(1)), into: 1)
    }
  }
}

/// The gradient of that in its first operand x, from cotangents g and x: g's passed elements,
/// scattered to their places, go through the gradient of the normalization.
struct NormalizedMaxPool2DGradient: Primitive {
  let pooling: NormalizedPooling
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    let u = site.cotangent
    let x = site.operand(1)
    let passes = Variable(pooling.result.isPositive())
    if site.needs(0) {
      let inner = u.batchNormalizationGradient(x, pooling.statistics, epsilon: epsilon)
      site.accumulate(inner.gathered(at: pooling.indices) * passes, into: 0)
    }
    if site.needs(1) {
      let g = (site.operand(0) * passes).scattered(to: pooling.indices)
      site.accumulate(
        BatchNormalizationGradient.slope(u: u, g: g, x: x, epsilon: epsilon), into: 1)
    }
  }
}

extension Variable {
  /// `batchNormalized(offset:epsilon:).relu().maxPool2D(window:stride:padding:)` of images [batch,
  /// height, width, channels], with a third of the memory traffic.
  ///
  /// Equal up to the rounding of single operations: the largest element of a window is found before
  /// it is rounded as a normalized one, so derivatives may choose another one of elements that differ
  /// by their last bit.
  public func batchNormalizedReLUMaxPool2D(
    offset: Variable, epsilon: Float = 1e-3, window: Int, stride: Int, padding: Padding = .same
  ) -> Variable {
    let pooling = value.normalizedAndPooled(
      offset: offset.value, epsilon: epsilon, window: window, stride: stride, padding: padding)
    return .apply(
      NormalizedMaxPool2D(pooling: pooling, epsilon: epsilon), self, offset,
      value: pooling.result)
  }

  /// The gradient in `x` of the sum of the products of x normalized and pooled and these cotangents.
  package func normalizedPoolingGradient(
    _ x: Variable, _ pooling: NormalizedPooling, epsilon: Float
  ) -> Variable {
    .apply(
      NormalizedMaxPool2DGradient(pooling: pooling, epsilon: epsilon), self, x,
      value: value.normalizedPoolingGradient(x.value, pooling))
  }
}
