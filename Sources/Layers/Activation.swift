public import Autodiff
internal import Tensors

/// The function applied between layers.
public enum Activation: String, Sendable, CaseIterable {
  /// 1 / (1 + exp(-x)).
  case sigmoid
  /// max(x, 0).
  case relu
  /// The hyperbolic tangent.
  case tanh
  /// GELU in its tanh form: see `Variable.gelu`.
  case gelu
  /// x sigmoid(x).
  case silu
  /// x above 0, else exp(x) - 1.
  case elu
  /// x: layers that make one linear map.
  case identity

  /// The activation of every element.
  public func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .sigmoid: x.sigmoid()
    case .relu: x.relu()
    case .tanh: x.tanh()
    case .gelu: x.gelu()
    case .silu: x.silu()
    case .elu: x.elu()
    case .identity: x
    }
  }

  /// The same function as part of a fused layer.
  var function: ElementwiseFunction {
    switch self {
    case .sigmoid: .sigmoid
    case .relu: .relu
    case .tanh: .tanh
    case .gelu: .gelu
    case .silu: .silu
    case .elu: .elu
    case .identity: .identity
    }
  }
}
