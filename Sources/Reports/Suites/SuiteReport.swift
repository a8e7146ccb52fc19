package import Comparison
internal import Essentials
internal import Settings

/// What a suite's numbers were made with, for reports.
package struct SuiteFacts: Equatable, Sendable {
  /// The program's version.
  package var program: String
  /// A hash of the program's file; empty where it is not known.
  package var programHash: String
  /// Everything besides tasks and optimizers that decides a number, in words.
  package var settings: String
  /// Hashes of the tasks, by name.
  package var tasks: [String: String]
  /// Hashes of the optimizers, by label.
  package var optimizers: [String: String]
  /// The problem and its options in words, by task.
  package var problems: [String: String]

  /// Facts of which all are known.
  package init(
    program: String, programHash: String, settings: String, tasks: [String: String],
    optimizers: [String: String], problems: [String: String]
  ) {
    self.program = program
    self.programHash = programHash
    self.settings = settings
    self.tasks = tasks
    self.optimizers = optimizers
    self.problems = problems
  }
}

/// A suite's report: for people as Markdown and HTML, for programs as CSV and JSON.
///
/// All that it says follows from the record, whose numbers are in the CSV files.
package struct SuiteReport: Sendable {
  /// The heading.
  package let title: String
  /// What was found.
  package let record: SuiteRecord
  /// What the numbers follow from.
  package let settings: SuiteSettings
  /// What they were made with.
  package let facts: SuiteFacts

  /// A report.
  package init(
    title: String, record: SuiteRecord, settings: SuiteSettings, facts: SuiteFacts
  ) {
    self.title = title
    self.record = record
    self.settings = settings
    self.facts = facts
  }

  /// All files, by name.
  package var files: [(name: String, text: String)] {
    [
      ("curves.csv", curves), ("trials.csv", trials), ("told.csv", told), ("runs.csv", runs),
      ("times.csv", times), ("summary.csv", summary), ("profiles.csv", profiles),
      ("result.json", json.text + "\n"), ("report.md", markdown), ("report.html", html),
    ]
  }

  /// The summary for a terminal.
  package var lines: [String] {
    document.filter(\.isSummary).flatMap(\.plainLines)
  }

  /// The report in Markdown.
  package var markdown: String { document.map(\.markdown).joined(separator: "\n\n") + "\n" }

  /// The report as one HTML file that needs no other.
  package var html: String { HTMLPage.page(title: title, document) }

  // MARK: - Texts

  /// A number in four digits, as a report has it.
  static func number(_ value: Double?) -> String {
    guard let value, !value.isNaN else { return "–" }
    guard value.isFinite else { return "∞" }
    return String(format: "%.4g", value)
  }

  /// A share in percent.
  static func percent(_ value: Double?) -> String {
    value.map { String(format: "%.0f%%", 100 * $0) } ?? "–"
  }

  /// A figure and its interval, as `1.2 [0.9, 1.4]`.
  static func estimate(_ estimate: Estimate?) -> String {
    guard let estimate else { return "–" }
    let (low, high) = (estimate.interval.low, estimate.interval.high)
    func short(_ value: Double) -> String { String(format: "%.3g", value) }
    return "\(short(estimate.value)) [\(short(low)), \(short(high))]"
  }

  /// The horizon as a heading has it.
  static func words(ofHorizon horizon: Int) -> String {
    horizon == 1 ? "the tasks' own steps" : "\(horizon) times the tasks' steps"
  }
}
