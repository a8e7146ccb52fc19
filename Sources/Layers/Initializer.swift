public import Tensors

/// How the initial value of a variable is made.
public indirect enum Initializer: Sendable {
  /// One value everywhere.
  case constant(Float)
  /// Drawn uniformly from [0, 1).
  case uniform
  /// Drawn uniformly from a range, the upper bound excluded.
  case uniformBetween(Float, Float)
  /// Drawn from a normal distribution with mean 0.
  case normal(standardDeviation: Float)
  /// Drawn from a normal distribution with mean 0, redrawn beyond two standard deviations.
  case truncatedNormal(standardDeviation: Float)
  /// Given values, broadcast to the variable's shape.
  case values(Tensor)
  /// As another one, with the first `rows` rows of a matrix times `factor`.
  case gained(Initializer, rows: Int, factor: Float)
  /// As another one, times a number or a tensor of the variable's shape.
  case scaled(Initializer, by: Tensor)

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
    case .uniformBetween(let low, let high):
      stream.uniform(shape).affine(scale: high - low, offset: low)
    case .values(let tensor): tensor.broadcast(to: shape)
    case .gained(let base, let rows, let factor):
      Tensor(
        base(shape, &stream).elements.enumerated().map {
          $0 < rows * shape[1] ? $1 * factor : $1
        }, shape: shape)
    case .scaled(let base, let factor): base(shape, &stream) * factor
    }
  }
}
