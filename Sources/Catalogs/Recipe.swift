/// A way of training that works, under a name: `l2l train --recipe=NAME`.
///
/// Every setting of a recipe can be given another value on the command line.
///
/// ```swift
/// Recipe(
///   "valley", "the banana valley, as it works", [],
///   ["problem": "banana", "num_epochs": "100", "meta_loss": "log"])
/// ```
public struct Recipe: Sendable {
  /// A training of a recipe, that starts from the one before.
  public struct Phase: Sendable {
    /// Its name, as `search`.
    public let name: String
    /// The settings of `train`, each with its value; options that can be repeated any number of times.
    public let settings: [(name: String, value: String)]
    /// The names of options for the other phases alone: what the command line gives for them does not
    /// reach this one.
    public let fixed: [String]

    /// A phase with the given settings, after those that it shares with others.
    public init(
      _ name: String, _ shared: [(String, String)] = [],
      _ settings: KeyValuePairs<String, String>, fixed: [String] = []
    ) {
      self.name = name
      self.fixed = fixed
      self.settings = (shared + Array(settings)).map { (name: $0.0, value: $0.1) }
    }
  }

  /// The name on the command line.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The trainings, each from where the one before ended.
  public let phases: [Phase]
  /// How often all phases but the last are done, with seeds that are 100 apart; the best in validation
  /// on the train split starts the last.
  public let starts: Int

  /// One training.
  public init(
    _ name: String, _ summary: String, _ shared: [(String, String)] = [],
    _ settings: KeyValuePairs<String, String>
  ) {
    self.init(name, summary, starts: 1, phases: [Phase("train", shared, settings)])
  }

  /// Trainings that follow each other.
  public init(_ name: String, _ summary: String, starts: Int, phases: [Phase]) {
    precondition(starts > 0 && !phases.isEmpty, "\(starts) starts of \(phases.count) phases")
    self.name = name
    self.summary = summary
    self.starts = starts
    self.phases = phases
  }
}
