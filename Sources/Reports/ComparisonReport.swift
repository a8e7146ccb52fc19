package import Comparison
package import Settings

/// A comparison with all that its tables, files and figures tell.
package struct ComparisonReport: Sendable {
  /// The problem's name.
  package let problem: String
  /// The part of the data set that the result is measured on; nil without a data set.
  package let split: String?
  /// Whether the images are drawn ones, which tables and figures say: their losses tell nothing about
  /// the real data set.
  package let isSynthetic: Bool
  /// What the numbers follow from.
  package let settings: ContestSettings
  /// What the contenders reached.
  package let standings: Standings
  /// For each contender its runs, in the order of epochs.
  package let runs: [[ContestRun]]
  /// Further facts for the JSON file, by name: options, versions, hashes.
  package let facts: [String: JSONValue]

  /// A report of a comparison.
  package init(
    problem: String, split: String?, isSynthetic: Bool = false, settings: ContestSettings,
    standings: Standings, runs: [[ContestRun]], facts: [String: JSONValue]
  ) {
    self.problem = problem
    self.split = split
    self.isSynthetic = isSynthetic
    self.settings = settings
    self.standings = standings
    self.runs = runs
    self.facts = facts
  }

  var labels: [String] { standings.all.map(\.contender.label) }

  /// As "100 optimizees of the test split", or of the "synthetic test split".
  var sample: String {
    let count = settings.epochCount
    return "\(count) \(count == 1 ? "optimizee" : "optimizees")"
      + (split.map { " of the \(isSynthetic ? "synthetic " : "")\($0) split" } ?? "")
  }
}
