internal import CKernels

// MARK: - Maps

extension Tensor {
  private func map(_ operation: ck_unary_op) -> Tensor {
    withUnsafeFloats { source in
      Tensor(uninitialized: shape) { ck_unary_f32(operation, Int64(count), source, $0) }
    }
  }

  /// -x.
  public func negated() -> Tensor { map(CK_NEGATE) }
  /// e to the x.
  public func exp() -> Tensor { map(CK_EXP) }
  /// The natural logarithm; -infinity at 0, NaN below.
  public func log() -> Tensor { map(CK_LOG) }
  /// The square root; NaN below 0.
  public func squareRoot() -> Tensor { map(CK_SQRT) }
  /// x times x.
  public func squared() -> Tensor { map(CK_SQUARE) }
  /// The absolute value.
  public func absolute() -> Tensor { map(CK_ABS) }
  /// -1, 0 or 1.
  public func sign() -> Tensor { map(CK_SIGN) }
  /// 1 / (1 + exp(-x)).
  public func sigmoid() -> Tensor { map(CK_SIGMOID) }
  /// The hyperbolic tangent.
  public func tanh() -> Tensor { map(CK_TANH) }
  /// max(x, 0).
  public func relu() -> Tensor { map(CK_RELU) }
  /// 1 where x > 0, else 0.
  public func isPositive() -> Tensor { map(CK_STEP) }
  /// 1 / x.
  public func reciprocal() -> Tensor { map(CK_RECIPROCAL) }

  /// The sine of radians.
  public func sine() -> Tensor { map(CK_SIN) }
  /// The cosine of radians.
  public func cosine() -> Tensor { map(CK_COS) }
  /// log(1 + exp(x)), which never overflows.
  public func softplus() -> Tensor { map(CK_SOFTPLUS) }
  /// x sigmoid(x).
  public func silu() -> Tensor { map(CK_SILU) }
  /// The derivative of `silu`.
  package func siluSlope() -> Tensor { map(CK_SILU_SLOPE) }
  /// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2: GELU in its tanh form, within 5e-4 of the
  /// exact one (Hendrycks and Gimpel, 2016).
  public func gelu() -> Tensor { map(CK_GELU) }
  /// The derivative of `gelu`.
  package func geluSlope() -> Tensor { map(CK_GELU_SLOPE) }
  /// x above 0, else exp(x) - 1.
  public func elu() -> Tensor { map(CK_ELU) }
  /// The derivative of `elu`, 1 at 0.
  package func eluSlope() -> Tensor { map(CK_ELU_SLOPE) }

  /// x * scale + offset.
  public func affine(scale: Float, offset: Float) -> Tensor {
    withUnsafeFloats { source in
      Tensor(uninitialized: shape) { ck_affine_f32(Int64(count), source, scale, offset, $0) }
    }
  }

  /// min(max(x, low), high).
  public func clamped(low: Float, high: Float) -> Tensor {
    withUnsafeFloats { source in
      Tensor(uninitialized: shape) { ck_clamp_f32(Int64(count), source, low, high, $0) }
    }
  }

  /// 1 where low <= x <= high, else 0.
  public func inside(low: Float, high: Float) -> Tensor {
    withUnsafeFloats { source in
      Tensor(uninitialized: shape) { ck_inside_f32(Int64(count), source, low, high, $0) }
    }
  }

  /// Whether no element is infinite or NaN.
  public var isFinite: Bool {
    withUnsafeFloats { ck_all_finite_f32(Int64(count), $0) != 0 }
  }
}

// MARK: - Arithmetic with broadcasting

extension Tensor {
  /// Adds numbers to as many elements from `start` on, in row-major order.
  package mutating func add(_ values: Tensor, at start: Int) {
    demand(
      start >= 0 && start + values.count <= count,
      "\(values.count) numbers to add at \(start) in a tensor of shape \(shape)")
    withUnsafeMutableFloats { target in
      values.withUnsafeFloats {
        ck_binary_f32(CK_ADD, Int64(values.count), target + start, $0, target + start)
      }
    }
  }

  /// Element-wise sum.
  public static func + (a: Tensor, b: Tensor) -> Tensor { combine(CK_ADD, a, b) }
  /// Element-wise difference.
  public static func - (a: Tensor, b: Tensor) -> Tensor { combine(CK_SUBTRACT, a, b) }
  /// Element-wise product.
  public static func * (a: Tensor, b: Tensor) -> Tensor { combine(CK_MULTIPLY, a, b) }
  /// Element-wise quotient.
  public static func / (a: Tensor, b: Tensor) -> Tensor { combine(CK_DIVIDE, a, b) }
  /// Element-wise quotient that is 0 where both operands are 0: what an adjoint needs that must
  /// vanish with its cotangent even where the derivative is infinite.
  public func dividedOrZero(by b: Tensor) -> Tensor { Tensor.combine(CK_DIVIDE_OR_ZERO, self, b) }

  private static func combine(_ operation: ck_binary_op, _ a: Tensor, _ b: Tensor) -> Tensor {
    let n = Int64(a.count)
    if a.shape == b.shape {
      return a.withUnsafeFloats { x in
        b.withUnsafeFloats { y in
          Tensor(uninitialized: a.shape) { ck_binary_f32(operation, n, x, y, $0) }
        }
      }
    }
    if b.count == 1 && b.shape.rank <= a.shape.rank {
      return a.withUnsafeFloats { x in
        Tensor(uninitialized: a.shape) { ck_binary_scalar_f32(operation, n, x, b.scalar, $0) }
      }
    }
    if a.count == 1 && a.shape.rank <= b.shape.rank {
      return b.withUnsafeFloats { y in
        Tensor(uninitialized: b.shape) {
          ck_scalar_binary_f32(operation, Int64(b.count), a.scalar, y, $0)
        }
      }
    }
    if b.shape.isSuffix(of: a.shape) && b.count > 0 {
      return a.withUnsafeFloats { x in
        b.withUnsafeFloats { y in
          Tensor(uninitialized: a.shape) {
            ck_binary_rows_f32(operation, Int64(a.count / b.count), Int64(b.count), x, y, $0)
          }
        }
      }
    }
    guard let shape = a.shape.broadcast(with: b.shape) else {
      fatalError("shapes \(a.shape) and \(b.shape) do not fit element by element")
    }
    return combine(operation, a.broadcast(to: shape), b.broadcast(to: shape))
  }

  /// Adds `other` in place.
  ///
  /// - Precondition: equal shapes.
  public static func += (a: inout Tensor, b: Tensor) {
    demand(a.shape == b.shape, "adding shape \(b.shape) to \(a.shape) in place")
    let n = Int64(a.count)
    a.withUnsafeMutableFloats { target in
      b.withUnsafeFloats { ck_binary_f32(CK_ADD, n, target, $0, target) }
    }
  }
}
