/// One piece of a suite's work that is done or not: one optimizer with one set of hyperparameters on
/// all optimizees of a task.
public struct SuiteUnit: Hashable, Sendable, Codable {
  /// What it is for.
  public enum Purpose: Hashable, Sendable {
    /// To choose hyperparameters: the trial of this number.
    case trial(Int)
    /// The result.
    case final
    /// To see what another number of steps does that the optimizer is told, as a share of the true one.
    case told(Double)
  }

  /// The task.
  public let task: String
  /// How many times the task's steps a run has.
  public let horizon: Int
  /// The optimizer.
  public let entrant: String
  /// What it is for.
  public let purpose: Purpose

  /// A unit.
  public init(task: String, horizon: Int, entrant: String, purpose: Purpose) {
    self.task = task
    self.horizon = horizon
    self.entrant = entrant
    self.purpose = purpose
  }
}

/// One optimizee of a unit.
public struct SuiteRun: Equatable, Sendable, Codable {
  /// The losses at the points asked for; nil from where the run diverged.
  public var losses: [Float?]
  /// The steps taken.
  public var steps: Int
  /// The number of parameters that were stepped.
  public var parameterCount: Int
  /// The time that losses and gradients took in all steps.
  public var gradientSeconds: Double
  /// The time that the optimizer took.
  public var updateSeconds: Double

  /// A run of which all is known.
  public init(
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
  public var final: Double { losses.last.flatMap { $0 }.map(Double.init) ?? .infinity }
}

/// A unit that is done.
public struct SuiteResult: Equatable, Sendable, Codable {
  /// What was done.
  public let unit: SuiteUnit
  /// With which hyperparameters; nil for an optimizer that has none to choose.
  public let hyperparameters: Hyperparameters?
  /// The runs, an optimizee each.
  public let runs: [SuiteRun]

  /// A unit and what came of it.
  public init(_ unit: SuiteUnit, hyperparameters: Hyperparameters?, runs: [SuiteRun]) {
    self.unit = unit
    self.hyperparameters = hyperparameters
    self.runs = runs
  }

  /// The mean final loss, infinite when a run diverged.
  public var mean: Double { runs.reduce(0) { $0 + $1.final } / Double(max(runs.count, 1)) }
}

// MARK: - In files

extension SuiteUnit.Purpose: Codable {
  /// `trial 3`, `final` or `told 0.25`.
  public var text: String {
    switch self {
    case .trial(let number): "trial \(number)"
    case .final: "final"
    case .told(let share): "told \(share)"
    }
  }

  /// The purpose of a text as `text` writes it; nil for any other.
  public init?(text: String) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    if text == "final" {
      self = .final
    } else if words.count == 2, words[0] == "trial", let number = Int(words[1]) {
      self = .trial(number)
    } else if words.count == 2, words[0] == "told", let share = Double(words[1]) {
      self = .told(share)
    } else {
      return nil
    }
  }

  /// Reads what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let purpose = Self(text: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a purpose '\(text)'"))
    }
    self = purpose
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

extension RateSchedule: Codable {
  /// Reads what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let schedule = Self(text: text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "a schedule '\(text)'"))
    }
    self = schedule
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
