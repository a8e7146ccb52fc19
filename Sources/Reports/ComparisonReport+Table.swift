internal import Comparison
internal import Essentials

// MARK: - The result for people

extension ComparisonReport {
  /// The result as lines of text, at most 80 columns wide unless a label is long.
  ///
  /// `-` stands where there is no number: the rate of a learned optimizer, the win rate of the best
  /// baseline against itself, the step of a loss that was not reached.
  package var table: [String] {
    let steps = settings.stepCount
    var lines = [
      "\(problem): \(sample), \(steps) \(steps == 1 ? "step" : "steps"), seed \(settings.seed)",
      "mean loss at the start: \(startLoss)", "",
    ]
    lines += Self.aligned(
      [["optimizer", "rate", "final loss", "95% interval", "median", "diverged"]]
        + standings.all.map { standing in
          let final = standing.final
          return [
            standing.contender.label, standing.rate.map { Self.text(Double($0)) } ?? "-",
            Self.text(final.mean, digits: 4),
            "\(Self.text(final.interval.low))..\(Self.text(final.interval.high))",
            Self.text(final.median), "\(standing.diverged)",
          ]
        })
    lines.append("")
    lines += Self.aligned(
      [["optimizer", "10%..90%", "area", "ratio", "wins", "ms/step", "reached", "after ms"]]
        + standings.all.map { standing in
          let final = standing.final
          return [
            standing.contender.label,
            "\(Self.text(final.lowDecile))..\(Self.text(final.highDecile))",
            Self.text(standing.area), standing.ratio.map { Self.text($0) } ?? "-",
            standing.winRate.map { "\(Self.text($0 * 100))%" } ?? "-",
            Self.text(standing.secondsPerStep * 1_000),
            standing.reach.map { "\($0.step)" } ?? "-",
            standing.reach.map { Self.text($0.seconds * 1_000) } ?? "-",
          ]
        })
    lines.append("")
    return lines + explanation
  }

  private var startLoss: String {
    Self.text(
      Statistics.mean(runs.flatMap { $0.prefix(settings.epochCount) }.map { Double($0.losses[0]) }))
  }

  private var explanation: [String] {
    guard let best = standings.best else {
      return ["There is no hand-designed optimizer to compare with: add Adam to --optimizers."]
    }
    let name = best.contender.label
    return [
      "\(name) is the best hand-designed one: the fewest diverged runs, then the",
      "smallest final loss. ratio: final loss over its; wins: how often the final loss",
      "is below its; reached, after: the step and time at which the mean loss is not",
      "above its final loss; area: the mean loss over all steps. Diverged runs are left",
      "out of means and intervals, and lose elsewhere.",
    ]
  }

  /// A number with a few significant digits, as 0.0123 or 1.2e-7; `-` for NaN.
  static func text(_ value: Double, digits: Int = 3) -> String {
    guard !value.isNaN else { return "-" }
    return String(format: "%.\(digits)g", value).replacing("e+0", with: "e")
      .replacing("e+", with: "e").replacing("e-0", with: "e-")
  }

  /// Rows of a table as lines: the first column to the left, others to the right.
  static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.count ?? 0
    let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
  }
}
