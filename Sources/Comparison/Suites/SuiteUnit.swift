/// One piece of a suite's work that is done or not: one optimizer with one set of hyperparameters on
/// all optimizees of a task.
package struct SuiteUnit: Hashable, Sendable, Codable {
  /// What it is for.
  package enum Purpose: Hashable, Sendable {
    /// To choose hyperparameters: the trial of this number.
    case trial(Int)
    /// The result.
    case final
    /// To see what another number of steps does that the optimizer is told, as a share of the true one.
    case told(Double)
  }

  /// The task.
  package let task: String
  /// How many times the task's steps a run has.
  package let horizon: Int
  /// The optimizer.
  package let entrant: String
  /// What it is for.
  package let purpose: Purpose

  /// A unit.
  package init(task: String, horizon: Int, entrant: String, purpose: Purpose) {
    self.task = task
    self.horizon = horizon
    self.entrant = entrant
    self.purpose = purpose
  }
}

/// One optimizee of a unit.
package struct SuiteRun: Equatable, Sendable, Codable {
  /// The losses at the points asked for; nil from where the run diverged.
  package var losses: [Float?]
  /// The steps taken.
  package var steps: Int
  /// The number of parameters that were stepped.
  package var parameterCount: Int
  /// The time that losses and gradients took in all steps.
  package var gradientSeconds: Double
  /// The time that the optimizer took.
  package var updateSeconds: Double

  /// A run of which all is known.
  package init(
    losses: [Float?], steps: Int = 0, parameterCount: Int = 0, gradientSeconds: Double = 0,
    updateSeconds: Double = 0
  ) {
    self.losses = losses
    self.steps = steps
    self.parameterCount = parameterCount
    self.gradientSeconds = gradientSeconds
    self.updateSeconds = updateSeconds
  }

  /// The last loss, infinite when the run diverged.
  package var final: Double { losses.last.flatMap { $0 }.map(Double.init) ?? .infinity }
}

/// A unit that is done.
package struct SuiteResult: Equatable, Sendable, Codable {
  /// What was done.
  package let unit: SuiteUnit
  /// With which hyperparameters; nil for an optimizer that has none to choose.
  package let hyperparameters: Hyperparameters?
  /// The runs, an optimizee each.
  package let runs: [SuiteRun]

  /// A unit and what came of it.
  package init(_ unit: SuiteUnit, hyperparameters: Hyperparameters?, runs: [SuiteRun]) {
    self.unit = unit
    self.hyperparameters = hyperparameters
    self.runs = runs
  }

  /// The mean final loss, infinite when a run diverged.
  package var mean: Double { runs.reduce(0) { $0 + $1.final } / Double(max(runs.count, 1)) }
}

// MARK: - In files

extension SuiteUnit.Purpose: RawRepresentable, Codable {
  /// `trial 3`, `final` or `told 0.25`.
  package var rawValue: String {
    switch self {
    case .trial(let number): "trial \(number)"
    case .final: "final"
    case .told(let share): "told \(share)"
    }
  }

  /// The purpose of a text as `rawValue` writes it; nil for any other.
  package init?(rawValue: String) {
    let words = rawValue.split(separator: " ", omittingEmptySubsequences: false)
    if rawValue == "final" {
      self = .final
    } else if words.count == 2, words[0] == "trial", let number = Int(words[1]) {
      self = .trial(number)
    } else if words.count == 2, words[0] == "told", let share = Double(words[1]) {
      self = .told(share)
    } else {
      return nil
    }
  }
}
