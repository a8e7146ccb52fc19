package import Tensors

/// z = (x - mean) r with r = 1 / sqrt(variance + epsilon), row by row along the last axis.
struct LayerNormalization: Primitive {
  let rows: NormalizedRows
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    site.accumulate(
      site.cotangent.layerNormalizationGradient(site.operand(0), rows, epsilon: epsilon), into: 0)
  }
}

/// d = r (g - m(g) - z m(g z)) from cotangents g and x, where z is x normalized and m a row's mean.
struct LayerNormalizationGradient: Primitive {
  let rows: NormalizedRows
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    let u = site.cotangent
    let x = site.operand(1)
    // d is linear in g, and its own adjoint.
    if site.needs(0) {
      site.accumulate(u.layerNormalizationGradient(x, rows, epsilon: epsilon), into: 0)
    }
    if site.needs(1) { site.accumulate(slope(u: u, g: site.operand(0), x: x), into: 1) }
  }

  /// The gradient in x of the sum of u d: that of `BatchNormalizationGradient`, row by row.
  private func slope(u: Variable, g: Variable, x: Variable) -> Variable {
    let column = x.shape.replacing(axis: -1, with: 1)
    let scale = 1 / Float(x.shape[-1])
    func mean(_ y: Variable) -> Variable { y.sum(to: column) * scale }
    return BatchNormalizationGradient.slope(
      u: u, g: g, x: x, normalized: x.layerNormalized(epsilon: epsilon), epsilon: epsilon, mean)
  }
}

extension Variable {
  /// Each row along the last axis less its mean, over its standard deviation: layer normalization
  /// (Ba, Kiros, Hinton, 2016) before its gain and offset.
  ///
  /// (x - mean) / sqrt(variance + epsilon) with the biased variance. Derivatives flow through the
  /// statistics too.
  public func layerNormalized(epsilon: Float = 1e-5) -> Variable {
    let rows = value.layerNormalized(epsilon: epsilon)
    return .apply(LayerNormalization(rows: rows, epsilon: epsilon), self, value: rows.result)
  }

  /// The gradient in `x` of the sum of the products of x normalized and these cotangents.
  package func layerNormalizationGradient(
    _ x: Variable, _ rows: NormalizedRows, epsilon: Float
  ) -> Variable {
    .apply(
      LayerNormalizationGradient(rows: rows, epsilon: epsilon), self, x,
      value: value.layerNormalizationGradient(rows))
  }
}
