public import Unrolling

/// An optimizer that takes part in a comparison.
public struct Contender: Sendable {
  /// How it steps.
  public enum Rule: Sendable {
    /// Nets that were trained.
    case learned(TrainedNets)
    /// A hand-designed one on all parameters; a rate of nil is to be tuned.
    case baseline(Baseline, rate: Float?)
  }

  /// Its name in tables and figures, unlike all others'.
  public let label: String
  /// How it steps.
  public let rule: Rule

  /// A contender under a label.
  public init(label: String, rule: Rule) {
    self.label = label
    self.rule = rule
  }

  /// Whether it was trained.
  public var isLearned: Bool { if case .learned = rule { true } else { false } }

  /// Whether its learning rate is to be tuned.
  public var needsTuning: Bool { if case .baseline(_, rate: nil) = rule { true } else { false } }

  /// The nets that step a problem's parameters.
  ///
  /// - Parameter rate: the learning rate of a baseline that has none of its own.
  func nets(rate: Float?) -> TrainedNets {
    switch rule {
    case .learned(let nets): return nets
    case .baseline(let baseline, let own): return baseline.nets(learningRate: own ?? rate ?? 0)
    }
  }
}
