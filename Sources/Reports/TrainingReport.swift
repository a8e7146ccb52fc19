internal import Comparison
internal import Platform

/// A training's report: its course, how far its meta-gradients could be trusted, and what its optimizer
/// does on optimizees that it has not seen.
package struct TrainingReport: Sendable {
  /// A row of the training's table: the numbers of its columns, by name.
  package struct Row: Equatable, Sendable {
    /// Whether it is of an evaluation.
    package let isEvaluation: Bool
    /// The numbers, by column; what is empty or no number is missing.
    package let numbers: [String: Double]

    /// A row.
    package init(isEvaluation: Bool, numbers: [String: Double]) {
      self.isEvaluation = isEvaluation
      self.numbers = numbers
    }
  }

  /// Losses of fresh optimizees under the saved optimizer.
  package struct HeldOut: Sendable {
    /// The curve of each optimizee, a loss a step, infinite from where it diverged.
    package let curves: [[Double]]
    /// What they are, as `20 optimizees of mnist, test split`.
    package let words: String
    /// The seed of the interval.
    package let seed: UInt64

    /// Losses of fresh optimizees.
    package init(curves: [[Double]], words: String, seed: UInt64) {
      self.curves = curves
      self.words = words
      self.seed = seed
    }
  }

  private let title: String
  private let facts: [(String, String)]
  private let rows: [Row]
  private let heldOut: HeldOut
  private let suite: SuiteReport?

  /// A report.
  ///
  /// - Parameters:
  ///   - facts: what to say of the training, each with its name.
  ///   - suite: how the optimizer compares with others.
  package init(
    title: String, facts: [(String, String)], rows: [Row], heldOut: HeldOut, suite: SuiteReport?
  ) {
    self.title = title
    self.facts = facts
    self.rows = rows
    self.heldOut = heldOut
    self.suite = suite
  }

  /// Reads a training's table.
  ///
  /// - Returns: nil for text that is no such table.
  package static func rows(ofTable text: String) -> [Row]? {
    var lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }[...]
    guard let columns = lines.popFirst(), columns.starts(with: ["epoch", "kind", "loss"]) else {
      return nil
    }
    var rows: [Row] = []
    for cells in lines {
      // A last line may be on its way to the disk.
      guard cells.count == columns.count else { break }
      var numbers: [String: Double] = [:]
      for (column, cell) in zip(columns, cells) { numbers[column] = Double(cell) }
      rows.append(Row(isEvaluation: cells[1] == "evaluation", numbers: numbers))
    }
    return rows
  }

  /// All files, by name.
  package var files: [(name: String, text: String)] {
    let own = [
      ("evaluation.csv", evaluation),
      ("report.md", blocks.map(\.markdown).joined(separator: "\n\n") + "\n"),
      ("report.html", HTMLPage.page(title: title, blocks)),
    ]
    return (suite?.files.filter { !$0.name.hasPrefix("report.") } ?? []) + own
  }

  /// The summary for a terminal.
  package var lines: [String] { blocks.filter(\.isSummary).flatMap(\.plainLines) }

  /// Every loss of the fresh optimizees: epoch,step,loss.
  private var evaluation: String {
    var text = "epoch,step,loss\n"
    for (epoch, curve) in heldOut.curves.enumerated() {
      for (step, loss) in curve.enumerated() { text += "\(epoch),\(step),\(Float(loss))\n" }
    }
    return text
  }

  // MARK: - Pieces

  private var blocks: [ReportBlock] {
    var blocks: [ReportBlock] = [
      .heading(1, title),
      .table(ReportTable(columns: ["training", ""], rows: facts.map { [$0.0, $0.1] })),
    ]
    blocks += course
    blocks += gauge
    blocks += evaluated
    if let suite { blocks += suite.document.map(\.lowered) }
    return blocks
  }

  private var course: [ReportBlock] {
    let evaluations = rows.filter(\.isEvaluation)
    var table = ReportTable(columns: ["epoch", "evaluation", "best so far"], rows: [])
    for row in evaluations where row.numbers["best"] == 1 {
      table.rows.append([
        SuiteReport.number(row.numbers["epoch"]), SuiteReport.number(row.numbers["loss"]), "yes",
      ])
    }
    let charts = [
      chart(
        "Loss by epoch", "mean final loss", "loss", isLogarithmic: true,
        [("training", false), ("evaluation", true)]),
      chart("Meta-loss by epoch", "meta-loss", "meta_loss", [("training", false)]),
      chart(
        "Length of meta-gradients", "norm", "meta_gradient_norm", isLogarithmic: true,
        [("training", false)]),
      chart("Length of weights", "norm", "weight_norm", [("training", false)]),
    ].compactMap(\.self)
    return [
      .heading(2, "Course"),
      .text(
        "\(rows.count - evaluations.count) log periods and \(evaluations.count) evaluations, from"
          + " metrics.csv. Evaluations that were the best so far:"),
      .table(table), .figures(charts),
    ]
  }

  private var gauge: [ReportBlock] {
    let charts = [
      chart(
        "Signal to noise of meta-gradients", "ratio", "signal_to_noise", [("training", false)]),
      chart("Cosine of two halves", "cosine", "gradient_cosine", [("training", false)]),
    ].compactMap(\.self)
    guard !charts.isEmpty else { return [] }
    return [
      .heading(2, "Trust in meta-gradients"),
      .text(
        "Around 0 there is nothing but noise; a ratio of 1 says that half of a step is noise, a cosine"
          + " of 1 that all optimizees say the same."),
      .figures(charts),
    ]
  }

  private var evaluated: [ReportBlock] {
    let finals = heldOut.curves.compactMap(\.last)
    let interval = Bootstrap(seed: heldOut.seed).interval(finals)
    let steps = heldOut.curves.map(\.count).max() ?? 0
    let median = (0..<steps).map { step in
      (x: Double(step), y: Statistics.median(heldOut.curves.map { $0[step] }))
    }
    func quantile(_ share: Double) -> [Double] {
      (0..<steps).map { step in
        Statistics.quantile(share, ofSorted: heldOut.curves.map { $0[step] }.sorted())
      }
    }
    let isPositive = heldOut.curves.allSatisfy { $0.allSatisfy { $0 > 0 } }
    let row = [
      SuiteReport.number(Statistics.mean(finals)),
      "\(SuiteReport.number(interval.low))..\(SuiteReport.number(interval.high))",
      SuiteReport.number(Statistics.median(finals)),
      "\(finals.count { !$0.isFinite }) of \(finals.count)",
    ]
    return [
      .summary(.heading(2, "On optimizees that it has not seen")),
      .summary(.text(heldOut.words)),
      .summary(
        .table(
          ReportTable(
            columns: ["mean final loss", "95% interval", "median", "diverged"], rows: [row]))),
      .figures([
        Chart(
          title: "Loss by step: median and 10%..90%", xLabel: "step", yLabel: "loss",
          hasLogarithmicY: isPositive,
          series: [
            Chart.Series(
              name: "saved optimizer", points: median, low: quantile(0.1), high: quantile(0.9),
              style: 0)
          ])
      ]),
    ]
  }

  private func chart(
    _ title: String, _ label: String, _ column: String, isLogarithmic: Bool = false,
    _ kinds: [(name: String, isEvaluation: Bool)]
  ) -> Chart? {
    let series = kinds.enumerated().compactMap { index, kind -> Chart.Series? in
      let points = rows.filter { $0.isEvaluation == kind.isEvaluation }.compactMap { row in
        row.numbers["epoch"].flatMap { epoch in
          row.numbers[column].map { (x: epoch, y: $0) }
        }
      }.filter { $0.y.isFinite }
      return points.isEmpty
        ? nil
        : Chart.Series(
          name: kind.name, points: points, style: index, isMarked: kind.isEvaluation)
    }
    guard !series.isEmpty else { return nil }
    let isPositive = series.allSatisfy { $0.points.allSatisfy { $0.y > 0 } }
    return Chart(
      title: title, xLabel: "epoch", yLabel: label, hasLogarithmicY: isLogarithmic && isPositive,
      series: series)
  }
}

extension ReportBlock {
  /// The same a heading lower.
  fileprivate var lowered: ReportBlock {
    switch self {
    case .heading(let level, let text): .heading(level + 1, text)
    case .summary(let block): .summary(block.lowered)
    default: self
    }
  }
}
