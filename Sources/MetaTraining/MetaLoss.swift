internal import Foundation

/// What meta-training minimizes: how the losses of an unroll add up to one number.
public enum MetaLoss: String, CaseIterable, Sendable {
  /// f_0 + ... + f_T, the paper's equation 3 with all weights 1.
  case sum
  /// log f_0 + ... + log f_T: late steps, where losses are small, count as much as early ones
  /// (Wichrowska et al., "Learned optimizers that scale and generalize", 2017, section 4.3). For
  /// losses that are never negative.
  case log

  // Keeps the logarithm's derivative finite where a loss reaches 0.
  private static let offset = 1e-8

  /// The meta-loss of an unroll.
  public func value(_ losses: [Float]) -> Double {
    switch self {
    case .sum: losses.reduce(0) { $0 + Double($1) }
    case .log:
      losses.reduce(0) { $0 + Foundation.log(Double(max($1, 0)) + Self.offset) }
    }
  }

  /// The derivatives of the meta-loss in each of the losses.
  func weights(_ losses: [Float]) -> [Float] {
    switch self {
    case .sum: losses.map { _ in 1 }
    case .log: losses.map { Float(1 / (Double(max($0, 0)) + Self.offset)) }
    }
  }
}
