internal import Platform

/// What meta-training minimizes: how the losses of an unroll add up to one number.
public struct MetaLoss: Hashable, Sendable {
  /// The ways to add them up.
  public enum Kind: String, CaseIterable, Sendable {
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
  }

  /// The floor of logarithms where none is given.
  public static let defaultFloor = 1e-8

  /// How losses add up.
  public var kind: Kind
  /// What is added to losses before their logarithm, above 0.
  ///
  /// Losses far above it count by their ratios, losses far below it by their differences. At the
  /// default it only keeps logarithms finite where a loss reaches 0. One of about the loss that is
  /// aimed at keeps minibatches that happen to be easy, whose logarithms vary most, from drowning out
  /// the hard ones, which are most of a mean.
  public var floor: Double

  /// A way to add losses up, and the floor of logarithms.
  ///
  /// - Precondition: the floor is above 0.
  public init(_ kind: Kind, floor: Double = defaultFloor) {
    precondition(floor > 0, "logarithms need a floor above 0")
    self.kind = kind
    self.floor = floor
  }

  /// The sum.
  public static let sum = MetaLoss(.sum)
  /// The sum of logarithms.
  public static let log = MetaLoss(.log)
  /// The logarithm of the last.
  public static let final = MetaLoss(.final)
  /// The smallest.
  public static let minimum = MetaLoss(.minimum)

  /// Whether losses are put on a scale that all tasks share first: logarithms need none.
  package var normalizes: Bool { kind == .sum || kind == .minimum }

  /// The meta-loss of an unroll.
  public func value(_ losses: [Float]) -> Double {
    switch kind {
    case .sum: losses.reduce(0) { $0 + Double($1) }
    case .log:
      losses.reduce(0) { $0 + logarithm(Double($1)) }
    case .final:
      losses.last.map { logarithm(Double($0)) } ?? 0
    case .minimum: losses.min().map { Double($0) } ?? 0
    }
  }

  /// The derivatives of the meta-loss in each of the losses.
  package func weights(_ losses: [Float]) -> [Float] {
    switch kind {
    case .sum: losses.map { _ in 1 }
    case .log: losses.map(slope)
    case .final: losses.indices.map { $0 == losses.count - 1 ? slope(losses[$0]) : 0 }
    case .minimum:
      losses.indices.map { $0 == losses.firstIndex(of: losses.min() ?? 0) ? 1 : 0 }
    }
  }

  /// What each loss of a window adds to the mean that evolution strategies compare.
  ///
  /// Means instead of sums, so that meta-gradients don't grow with the window.
  package func contributions(_ losses: [Double]) -> [Double] {
    switch kind {
    case .sum: losses.map { $0 / Double(losses.count) }
    case .log: losses.map { logarithm($0) / Double(losses.count) }
    case .final:
      losses.indices.map { $0 == losses.count - 1 ? logarithm(losses[$0]) : 0 }
    case .minimum:
      losses.indices.map { $0 == losses.firstIndex(of: losses.min() ?? 0) ? losses[$0] : 0 }
    }
  }

  private func logarithm(_ loss: Double) -> Double { Platform.log(max(loss, 0) + floor) }

  // The derivative of `logarithm`.
  private func slope(_ loss: Float) -> Float { Float(1 / (Double(max(loss, 0)) + floor)) }
}

extension MetaLoss: CaseIterable {
  /// One of each kind, with the default floor.
  public static var allCases: [MetaLoss] { Kind.allCases.map { MetaLoss($0) } }
}
