internal import Tensors

struct Sine: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.operand(0).cosine(), into: 0)
  }
}

struct Cosine: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(-(site.cotangent * site.operand(0).sine()), into: 0)
  }
}

struct Softplus: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.operand(0).sigmoid(), into: 0)
  }
}

struct SiLU: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.operand(0).siluSlope(), into: 0)
  }
}

/// s + x (s - s^2) with s = sigmoid(x), whose derivative is (s - s^2) (2 + x (1 - 2 s)).
struct SiLUSlope: Primitive {
  func pullback(_ site: inout Pullback) {
    // Beyond, it is constant, and its terms may overflow.
    let x = site.operand(0).clamped(low: -100, high: 100)
    let s = x.sigmoid()
    let curvature = (s - s.squared()) * (x * s.affine(scale: -2, offset: 1) + 2)
    site.accumulate(site.cotangent * curvature, into: 0)
  }
}

struct GELU: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.operand(0).geluSlope(), into: 0)
  }
}

/// s + x (s - s^2) v' with s = sigmoid(v), v = a x + b x^3, whose derivative is
/// (s - s^2) (2 v' + x (v'' + (1 - 2 s) v'^2)).
struct GELUSlope: Primitive {
  /// 2 sqrt(2 / pi), and that times 0.044715.
  private static let a: Float = 1.59576912160573
  private static let b: Float = 0.0713548162726

  func pullback(_ site: inout Pullback) {
    let x = site.operand(0).clamped(low: -11, high: 11)
    let square = x.squared()
    let s = (x * square.affine(scale: Self.b, offset: Self.a)).sigmoid()
    let first = square.affine(scale: 3 * Self.b, offset: Self.a)
    let second = x * (6 * Self.b) + s.affine(scale: -2, offset: 1) * first.squared()
    let curvature = (s - s.squared()) * (first * 2 + x * second)
    site.accumulate(site.cotangent * curvature, into: 0)
  }
}

struct ELU: Primitive {
  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent * site.operand(0).eluSlope(), into: 0)
  }
}

/// 1 above 0, exp(x) from there down.
struct ELUSlope: Primitive {
  func pullback(_ site: inout Pullback) {
    let x = site.operand(0)
    let below = Variable(x.value.isPositive().affine(scale: -1, offset: 1))
    site.accumulate(
      site.cotangent * (x.clamped(low: -.infinity, high: 0).exp() * below), into: 0)
  }
}

extension Variable {
  /// The sine of radians.
  public func sine() -> Variable { .apply(Sine(), self, value: value.sine()) }
  /// The cosine of radians.
  public func cosine() -> Variable { .apply(Cosine(), self, value: value.cosine()) }
  /// log(1 + exp(x)), which never overflows.
  public func softplus() -> Variable { .apply(Softplus(), self, value: value.softplus()) }
  /// x sigmoid(x), the sigmoid linear unit, also called swish.
  public func silu() -> Variable { .apply(SiLU(), self, value: value.silu()) }
  /// GELU in its tanh form, x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
  ///
  /// It differs from x Phi(x) by less than 5e-4. Hendrycks and Gimpel, "Gaussian error linear units",
  /// 2016 (https://arxiv.org/abs/1606.08415).
  public func gelu() -> Variable { .apply(GELU(), self, value: value.gelu()) }
  /// x above 0, else exp(x) - 1; its derivative at 0 is 1, its second one at 0 is taken as 1.
  public func elu() -> Variable { .apply(ELU(), self, value: value.elu()) }

  /// The derivative of `silu`.
  package func siluSlope() -> Variable { .apply(SiLUSlope(), self, value: value.siluSlope()) }
  /// The derivative of `gelu`.
  package func geluSlope() -> Variable { .apply(GELUSlope(), self, value: value.geluSlope()) }
  /// The derivative of `elu`.
  package func eluSlope() -> Variable { .apply(ELUSlope(), self, value: value.eluSlope()) }
}
