internal import Tensors

// MARK: - Maps of one operand

struct Negate: Primitive {
  func pullback(_ site: inout Pullback) { site.accumulate(-site.cotangent, into: 0) }
}

struct Exp: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.result, into: 0)
  }
}

struct Log: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.dividedOrZero(by: site.operand(0)), into: 0)
  }
}

struct SquareRoot: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate((site.cotangent * 0.5).dividedOrZero(by: site.result), into: 0)
  }
}

struct Square: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * (site.operand(0) * 2), into: 0)
  }
}

struct Absolute: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * Variable(site.operand(0).value.sign()), into: 0)
  }
}

struct Sigmoid: Primitive {
  func pullback(_ site: inout Pullback) {
    let y = site.result
    site.accumulate(site.cotangent * (y - y.squared()), into: 0)
  }
}

struct Tanh: Primitive {
  func pullback(_ site: inout Pullback) {
    let y = site.result
    site.accumulate(site.cotangent * y.squared().affine(scale: -1, offset: 1), into: 0)
  }
}

struct ReLU: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * Variable(site.operand(0).value.isPositive()), into: 0)
  }
}

struct Affine: Primitive {
  let scale: Float

  func pullback(_ site: inout Pullback) { site.accumulate(site.cotangent * scale, into: 0) }
}

struct Clip: Primitive {
  let low: Float
  let high: Float

  func pullback(_ site: inout Pullback) {
    let inside = site.operand(0).value.inside(low: low, high: high)
    site.accumulate(site.cotangent * Variable(inside), into: 0)
  }
}

extension Variable {
  /// -x.
  public static prefix func - (x: Variable) -> Variable {
    apply(Negate(), x, value: x.value.negated())
  }
  /// e to the x.
  public func exp() -> Variable { .apply(Exp(), self, value: value.exp()) }
  /// The natural logarithm; its derivative at 0 is infinite, but 0 for a cotangent of 0.
  public func log() -> Variable { .apply(Log(), self, value: value.log()) }
  /// The square root; its derivative at 0 is infinite, but 0 for a cotangent of 0.
  public func squareRoot() -> Variable { .apply(SquareRoot(), self, value: value.squareRoot()) }
  /// x times x.
  public func squared() -> Variable { .apply(Square(), self, value: value.squared()) }
  /// The absolute value; its derivative at 0 is taken as 0.
  public func absolute() -> Variable { .apply(Absolute(), self, value: value.absolute()) }
  /// 1 / (1 + exp(-x)).
  public func sigmoid() -> Variable { .apply(Sigmoid(), self, value: value.sigmoid()) }
  /// The hyperbolic tangent.
  public func tanh() -> Variable { .apply(Tanh(), self, value: value.tanh()) }
  /// max(x, 0); its derivative at 0 is taken as 0.
  public func relu() -> Variable { .apply(ReLU(), self, value: value.relu()) }
  /// x * scale + offset.
  public func affine(scale: Float, offset: Float) -> Variable {
    .apply(Affine(scale: scale), self, value: value.affine(scale: scale, offset: offset))
  }
  /// min(max(x, low), high); the derivative is 1 on the bounds themselves, 0 beyond.
  public func clamped(low: Float, high: Float) -> Variable {
    .apply(Clip(low: low, high: high), self, value: value.clamped(low: low, high: high))
  }
  /// x times a constant.
  public static func * (x: Variable, scale: Float) -> Variable { x.affine(scale: scale, offset: 0) }
  /// x plus a constant.
  public static func + (x: Variable, offset: Float) -> Variable {
    x.affine(scale: 1, offset: offset)
  }
}

// MARK: - Arithmetic of two operands, with broadcasting

struct Add: Primitive {
  func pullback(_ site: inout Pullback) {
    for operand in 0..<2 where site.needs(operand) {
      site.accumulate(site.cotangent.sum(to: site.shape(operand)), into: operand)
    }
  }
}

struct Subtract: Primitive {
  func pullback(_ site: inout Pullback) {
    if site.needs(0) { site.accumulate(site.cotangent.sum(to: site.shape(0)), into: 0) }
    if site.needs(1) { site.accumulate(-site.cotangent.sum(to: site.shape(1)), into: 1) }
  }
}

struct Multiply: Primitive {
  func pullback(_ site: inout Pullback) {
    for operand in 0..<2 where site.needs(operand) {
      let product = site.cotangent * site.operand(1 - operand)
      site.accumulate(product.sum(to: site.shape(operand)), into: operand)
    }
  }
}

/// a / b; with `zeroOverZero`, 0 where both are 0.
struct Divide: Primitive {
  let zeroOverZero: Bool

  func pullback(_ site: inout Pullback) {
    let b = site.operand(1)
    func over(_ x: Variable) -> Variable { zeroOverZero ? x.dividedOrZero(by: b) : x / b }
    if site.needs(0) {
      site.accumulate(over(site.cotangent).sum(to: site.shape(0)), into: 0)
    }
    if site.needs(1) {
      site.accumulate(-over(site.cotangent * site.result).sum(to: site.shape(1)), into: 1)
    }
  }
}

extension Variable {
  /// Element-wise sum.
  public static func + (a: Variable, b: Variable) -> Variable {
    apply(Add(), a, b, value: a.value + b.value)
  }
  /// Element-wise difference.
  public static func - (a: Variable, b: Variable) -> Variable {
    apply(Subtract(), a, b, value: a.value - b.value)
  }
  /// Element-wise product.
  public static func * (a: Variable, b: Variable) -> Variable {
    apply(Multiply(), a, b, value: a.value * b.value)
  }
  /// Element-wise quotient.
  public static func / (a: Variable, b: Variable) -> Variable {
    apply(Divide(zeroOverZero: false), a, b, value: a.value / b.value)
  }
  /// Element-wise quotient that is 0 where both operands are 0.
  public func dividedOrZero(by b: Variable) -> Variable {
    .apply(Divide(zeroOverZero: true), self, b, value: value.dividedOrZero(by: b.value))
  }
}
