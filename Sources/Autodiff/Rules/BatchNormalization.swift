package import Tensors

/// z = (x - mean) r + offset with r = 1 / sqrt(variance + epsilon), over all axes but the last.
struct BatchNormalization: Primitive {
  let statistics: BatchStatistics
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    if site.needs(0) {
      site.accumulate(
        site.cotangent.batchNormalizationGradient(
          site.operand(0), statistics, epsilon: epsilon), into: 0)
    }
    if site.needs(1) { site.accumulate(site.cotangent.sum(to: site.shape(1)), into: 1) }
  }
}

/// d = r (g - m(g) - z m(g z)) from cotangents g and x, where z is x normalized and m the mean.
struct BatchNormalizationGradient: Primitive {
  let statistics: BatchStatistics
  let epsilon: Float

  func pullback(_ site: inout Pullback) {
    let u = site.cotangent
    let x = site.operand(1)
    // d is linear in g, and its own adjoint.
    if site.needs(0) {
      site.accumulate(u.batchNormalizationGradient(x, statistics, epsilon: epsilon), into: 0)
    }
    if site.needs(1) {
      let slope = Self.slope(u: u, g: site.operand(0), x: x, epsilon: epsilon)
      site.accumulate(slope, into: 1)
    }
  }

  /// The gradient in x of the sum of u d.
  ///
  /// With a = m(u g) - m(u) m(g), b = m(u z), c = m(g z) and dr/dx = -r^2 z / rows, the sum is
  /// rows r (a - b c), and its gradient -r^2 (z (a - 3 b c) + c (u - m(u)) + b (g - m(g))).
  static func slope(u: Variable, g: Variable, x: Variable, epsilon: Float) -> Variable {
    let columns = Shape(vector: x.shape[-1])
    let z = x.batchNormalized(offset: Variable(.zeros(columns)), epsilon: epsilon)
    return slope(u: u, g: g, x: x, normalized: z, epsilon: epsilon) {
      $0.sum(to: columns) * (Float(columns.count) / Float($0.shape.count))
    }
  }

  /// The same of any normalization z with its mean m; layer normalization's is row by row.
  static func slope(
    u: Variable, g: Variable, x: Variable, normalized z: Variable, epsilon: Float,
    _ mean: (Variable) -> Variable
  ) -> Variable {
    let centeredU = u - mean(u)
    let centeredG = g - mean(g)
    let a = mean(centeredU * centeredG)
    let b = mean(u * z)
    let c = mean(g * z)
    let inner = z * (a - b * c * 3) + c * centeredU + b * centeredG
    // r^2 = 1 / (variance + epsilon).
    let variance = mean((x - mean(x)).squared())
    return -(inner / (variance + epsilon))
  }
}

extension Variable {
  /// Each element less the mean, over the standard deviation, plus an offset: batch normalization
  /// with the batch's own statistics, over all axes but the last (Ioffe and Szegedy, 2015).
  ///
  /// (x - mean) / sqrt(variance + epsilon) + offset, with the biased variance. Derivatives flow
  /// through the statistics too.
  ///
  /// - Parameters:
  ///   - offset: one number for each index of the last axis.
  ///   - epsilon: keeps columns of equal numbers finite.
  public func batchNormalized(offset: Variable, epsilon: Float = 1e-3) -> Variable {
    let statistics = value.batchStatistics(epsilon: epsilon)
    return .apply(
      BatchNormalization(statistics: statistics, epsilon: epsilon), self, offset,
      value: value.batchNormalized(statistics, offset: offset.value))
  }

  /// The gradient in `x` of the sum of the products of x normalized and these cotangents.
  package func batchNormalizationGradient(
    _ x: Variable, _ statistics: BatchStatistics, epsilon: Float
  ) -> Variable {
    .apply(
      BatchNormalizationGradient(statistics: statistics, epsilon: epsilon), self, x,
      value: value.batchNormalizationGradient(x.value, statistics))
  }
}
