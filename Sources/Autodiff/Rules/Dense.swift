package import Tensors

/// y = f(x w + b) of rows x, weights w and a bias b.
struct Dense: Primitive {
  let function: ElementwiseFunction
  /// y or x w + b, whichever the slopes of f are told from.
  let slopeSource: Tensor

  func pullback(_ site: inout Pullback) {
    let dz = slope(&site)
    if site.needs(2) { site.accumulate(dz.sum(to: site.shape(2)), into: 2) }
    if site.needs(1) {
      site.accumulate(
        .product(site.operand(0), dz, transposeA: true, kernel: .small), into: 1)
    }
    if site.needs(0) {
      site.accumulate(
        .product(dz, site.operand(1), transposeB: true, kernel: .small), into: 0)
    }
  }

  /// The cotangent of x w + b.
  private func slope(_ site: inout Pullback) -> Variable {
    if let cotangent = site.plainCotangent {
      return Variable(cotangent.pulledBack(through: function, slopeSource: slopeSource))
    }
    let y = site.result
    switch function {
    case .identity: return site.cotangent
    case .sigmoid: return site.cotangent * (y - y.squared())
    case .relu: return site.cotangent * Variable(y.value.isPositive())
    case .tanh: return site.cotangent * y.squared().affine(scale: -1, offset: 1)
    case .elu:
      // exp(z) is y + 1 where it counts.
      let below = Variable(y.value.isPositive().affine(scale: -1, offset: 1))
      return site.cotangent * (y * below + 1)
    case .silu: return site.cotangent * sums(site).siluSlope()
    case .gelu: return site.cotangent * sums(site).geluSlope()
    }
  }

  /// x w + b once more, as the second derivative needs it on the tape.
  private func sums(_ site: Pullback) -> Variable {
    .product(site.operand(0), site.operand(1), kernel: .small) + site.operand(2)
  }
}

extension Variable {
  /// f(x w + b) for rows x [rows, in], weights w [in, out] and a bias b [out], recorded as one value.
  ///
  /// Products come from loops for small matrices (`ProductKernel.small`).
  package func dense(w: Variable, b: Variable, function: ElementwiseFunction) -> Variable {
    let (result, source) = value.dense(w: w.value, b: b.value, function)
    return .apply(
      Dense(function: function, slopeSource: source), self, w, b, value: result)
  }
}
