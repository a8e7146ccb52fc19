public import Tensors

/// How the initial value of a variable is made.
public enum Initializer: Sendable {
  /// One value everywhere.
  case constant(Float)
  /// Drawn uniformly from [0, 1).
  case uniform
  /// Drawn from a normal distribution with mean 0.
  case normal(standardDeviation: Float)
  /// Drawn from a normal distribution with mean 0, redrawn beyond two standard deviations.
  case truncatedNormal(standardDeviation: Float)
  /// Given values, broadcast to the variable's shape.
  case values(Tensor)

  /// All zeros.
  public static let zeros = Initializer.constant(0)

  /// The value for a variable of this shape, drawn from `stream` where it is random.
  public func callAsFunction(_ shape: Shape, _ stream: inout RandomStream) -> Tensor {
    switch self {
    case .constant(let value): Tensor(repeating: value, shape: shape)
    case .uniform: stream.uniform(shape)
    case .normal(let deviation): stream.normal(shape, standardDeviation: deviation)
    case .truncatedNormal(let deviation):
      stream.truncatedNormal(shape, standardDeviation: deviation)
    case .values(let tensor): tensor.broadcast(to: shape)
    }
  }
}
