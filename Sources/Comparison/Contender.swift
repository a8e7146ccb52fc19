package import Unrolling

/// An optimizer that takes part in a comparison.
package struct Contender: Sendable {
  /// How it steps.
  package enum Rule: Sendable {
    /// Nets that were trained.
    case learned(TrainedNets)
    /// A hand-designed one on all parameters; a rate of nil is to be tuned.
    case baseline(Baseline, rate: Float?)
  }

  /// Its name in tables and figures, unlike all others'.
  package let label: String
  /// How it steps.
  package let rule: Rule

  /// A contender under a label.
  package init(label: String, rule: Rule) {
    self.label = label
    self.rule = rule
  }

  /// Whether it was trained.
  package var isLearned: Bool { if case .learned = rule { true } else { false } }

  /// Whether its learning rate is to be tuned.
  package var needsTuning: Bool { if case .baseline(_, rate: nil) = rule { true } else { false } }

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
