public import Autodiff
internal import Platform
internal import Tensors

/// What is done to gradients before a net sees them.
public enum Preprocessing: Hashable, Sendable {
  /// Nothing.
  case identity
  /// Values below `min` or above `max` are replaced by the bound; nil for no bound.
  case clamp(min: Float?, max: Float?)
  /// Two numbers a gradient, [max(log(|g| + eps) / k, -1), clamp(g e^k, -1, 1)], log first
  /// (appendix A of the paper, with its p called k); eps is float32's 2^-23.
  case logAndSign(k: Float)

  /// How many numbers one gradient entry becomes.
  public var width: Int { if case .logAndSign = self { 2 } else { 1 } }

  /// The added constant of LogAndSign.
  static let epsilon: Float = 1.1920929e-07

  /// The preprocessed gradients: [R, W] becomes [R, W * width], the numbers of an entry together.
  public func callAsFunction(_ gradient: Variable) -> Variable {
    switch self {
    case .identity: return gradient
    case .clamp(let low, let high):
      return gradient.clamped(low: low ?? -.infinity, high: high ?? .infinity)
    case .logAndSign(let k):
      let shape = gradient.shape
      let column = gradient.reshaped(to: [shape.count, 1])
      let logarithm = (column.absolute() + Preprocessing.epsilon).log() * (1 / k)
      let scaled = column * Float(exp(Double(k)))
      return logarithm.clamped(low: -1, high: .infinity)
        .concatenated(with: scaled.clamped(low: -1, high: 1), axis: 1)
        .reshaped(to: [shape[0], shape[1] * 2])
    }
  }
}
