public import Layers

/// How a network's weights and biases start.
public enum Initialization: String, Sendable, CaseIterable {
  /// All from N(0, 0.01), as in the problems of the learning-to-learn paper's program.
  case small
  /// Weights from a normal distribution cut off at two standard deviations, of 1 / sqrt(inputs); biases
  /// 0. What Haiku's layers do by default.
  case scaledByInputs = "scaled-by-inputs"

  /// The weights of a layer with so many inputs.
  public func weights(inputs: Int) -> Initializer {
    switch self {
    case .small: .normal(standardDeviation: 0.01)
    case .scaledByInputs:
      .truncatedNormal(standardDeviation: 1 / Float(max(inputs, 1)).squareRoot())
    }
  }

  /// The biases.
  public var biases: Initializer {
    switch self {
    case .small: .normal(standardDeviation: 0.01)
    case .scaledByInputs: .zeros
    }
  }
}
