internal import Platform

/// What meta-training minimizes: how the losses of an unroll add up to one number.
public enum MetaLoss: String, CaseIterable, Sendable {
  /// f_0 + ... + f_T, the paper's equation 3 with all weights 1.
  case sum
  /// log f_0 + ... + log f_T: late steps, where losses are small, count as much as early ones
  /// (Wichrowska et al., "Learned optimizers that scale and generalize", 2017, section 4.3). For
  /// losses that are never negative.
  case log
  /// log f_T: the last loss of an unroll alone. For what an optimizer reaches in a fixed number of
  /// steps, with unrolls as long as an epoch.
  case final
  /// The smallest loss of an unroll: for what an optimizer reaches at its best.
  case minimum

  /// Whether losses are put on a scale that all tasks share first: logarithms need none.
  package var normalizes: Bool { self == .sum || self == .minimum }

  // Keeps the logarithm's derivative finite where a loss reaches 0.
  private static let offset = 1e-8

  /// The meta-loss of an unroll.
  public func value(_ losses: [Float]) -> Double {
    switch self {
    case .sum: losses.reduce(0) { $0 + Double($1) }
    case .log:
      losses.reduce(0) { $0 + Self.logarithm(Double($1)) }
    case .final:
      losses.last.map { Self.logarithm(Double($0)) } ?? 0
    case .minimum: losses.min().map { Double($0) } ?? 0
    }
  }

  /// The derivatives of the meta-loss in each of the losses.
  package func weights(_ losses: [Float]) -> [Float] {
    switch self {
    case .sum: losses.map { _ in 1 }
    case .log: losses.map(Self.slope)
    case .final: losses.indices.map { $0 == losses.count - 1 ? Self.slope(losses[$0]) : 0 }
    case .minimum:
      losses.indices.map { $0 == losses.firstIndex(of: losses.min() ?? 0) ? 1 : 0 }
    }
  }

  /// What each loss of a window adds to the mean that evolution strategies compare.
  ///
  /// Means instead of sums, so that meta-gradients don't grow with the window.
  package func contributions(_ losses: [Double]) -> [Double] {
    switch self {
    case .sum: losses.map { $0 / Double(losses.count) }
    case .log: losses.map { Self.logarithm($0) / Double(losses.count) }
    case .final:
      losses.indices.map { $0 == losses.count - 1 ? Self.logarithm(losses[$0]) : 0 }
    case .minimum:
      losses.indices.map { $0 == losses.firstIndex(of: losses.min() ?? 0) ? losses[$0] : 0 }
    }
  }

  private static func logarithm(_ loss: Double) -> Double {
    Platform.log(max(loss, 0) + offset)
  }

  // The derivative of `logarithm`.
  private static func slope(_ loss: Float) -> Float { Float(1 / (Double(max(loss, 0)) + offset)) }
}
