internal import Comparison
internal import LearnedOptimizers

extension SuiteReport {
  /// The report's pieces.
  var document: [ReportBlock] {
    var blocks: [ReportBlock] = [.heading(1, title), .text(introduction)]
    for table in record.tables { blocks += verdict(table) }
    for table in record.tables { blocks += details(table) }
    blocks += [
      .heading(2, "Optimizers' own time"), .text(overheadText), .table(overheadTable),
    ]
    return blocks + toldBlocks + methods + provenance
  }

  private var introduction: String {
    let (tasks, seeds) = (record.tasks.count, settings.seedCount)
    let tuned =
      "Every optimizer with something to tune got \(settings.trialCount) trials on"
      + " \(settings.tuningSeedCount) other optimizees of the train split, task by task."
    return "\(record.optimizers.count) optimizers on \(tasks) tasks with \(seeds) optimizees each."
      + " \(tuned) Scores compare each run with the best tuned baseline of its task on the same"
      + " optimizee; they are interquartile means over all tasks and optimizees, in brackets their 95%"
      + " intervals."
  }

  // MARK: - Over all tasks

  private func verdict(_ table: SuiteTable) -> [ReportBlock] {
    let metrics = SuiteMetric.allCases.filter { metric in
      table.summaries.contains { $0.means[metric] != nil }
    }
    let rows = table.entrants.indices.map { entrant in
      let summary = table.summaries[entrant]
      return [table.entrants[entrant]] + metrics.map { Self.estimate(summary.means[$0]) } + [
        Self.percent(summary.winRate), "\(summary.divergedCount) of \(summary.runCount)",
        Self.number(
          record.tolerance(optimizer: table.entrants[entrant], horizon: table.horizon)),
      ]
    }
    let columns =
      ["optimizer"] + metrics.map(\.rawValue) + ["wins", "diverged", "good rates (decades)"]
    var blocks: [ReportBlock] = [
      .summary(.heading(2, "Over all tasks, \(Self.words(ofHorizon: table.horizon))")),
      .summary(.table(ReportTable(columns: columns, rows: rows))),
    ]
    let charts = [profile(.speedup, table), profile(.progress, table)].compactMap(\.self)
    if !charts.isEmpty { blocks.append(.figures(charts)) }
    return blocks + duels(table)
  }

  /// What a learned optimizer gains over one baseline, whatever else there is.
  private func duels(_ table: SuiteTable) -> [ReportBlock] {
    guard !table.duels.isEmpty else { return [] }
    let learned = table.entrants.indices.filter { !record.optimizers[$0].isBaseline }
    let rows = table.entrants.indices.filter { record.optimizers[$0].isBaseline }.map { baseline in
      [table.entrants[baseline]]
        + learned.map { entrant in
          let duel = table.duels.first { $0.entrant == entrant && $0.baseline == baseline }
          return Self.estimate(duel?.speedup) + ", " + Self.percent(duel?.winRate)
        }
    }
    return [
      .text(
        "Learned optimizers against each hand-designed one alone, on all tasks: speedup and share of"
          + " runs won."),
      .table(ReportTable(columns: ["over"] + learned.map { table.entrants[$0] }, rows: rows)),
    ]
  }

  private func profile(_ metric: SuiteMetric, _ table: SuiteTable) -> Chart? {
    guard let thresholds = SuiteTable.thresholds(metric) else { return nil }
    let series = table.entrants.indices.compactMap { entrant -> Chart.Series? in
      guard let profile = table.summaries[entrant].profiles[metric] else { return nil }
      let isLearned = !record.optimizers[entrant].isBaseline
      return Chart.Series(
        name: table.entrants[entrant], points: Array(zip(thresholds, profile.map(\.value))),
        low: isLearned ? profile.map(\.interval.low) : [],
        high: isLearned ? profile.map(\.interval.high) : [], style: entrant)
    }
    return series.isEmpty
      ? nil
      : Chart(
        title: "Share of runs above a \(metric.rawValue)", xLabel: metric.rawValue,
        yLabel: "share of runs", hasLogarithmicX: metric == .speedup, series: series)
  }

  // MARK: - Task by task

  private func details(_ table: SuiteTable) -> [ReportBlock] {
    let suffix = record.tables.count > 1 ? ", \(Self.words(ofHorizon: table.horizon))" : ""
    return [
      .heading(2, "Task by task\(suffix)"),
      .text(
        "Mean final loss; the smallest is set off. * marks the best baseline, and (n) that so many"
          + " runs diverged."),
      .table(losses(table)),
      .text("Speedup: the interquartile mean over the task's optimizees."),
      .table(speedups(table)),
      .text("Learning rates chosen."), .table(rates(table)),
      .figures(table.tasks.indices.map { curveChart($0, table) }),
      .figures(table.tasks.indices.compactMap { rateChart($0, table) }),
    ]
  }

  private func losses(_ table: SuiteTable) -> ReportTable {
    var result = ReportTable(columns: ["task"] + table.entrants, rows: [])
    for (task, name) in table.tasks.enumerated() {
      let finals = table.scores[task].map { $0.map(\.final) }
      let means = finals.map { Statistics.mean($0) }
      let diverged = finals.map { $0.count { !$0.isFinite } }
      result.rows.append(
        [name]
          + means.indices.map { entrant in
            Self.number(means[entrant]) + (table.references[task] == entrant ? "*" : "")
              + (diverged[entrant] > 0 ? " (\(diverged[entrant]))" : "")
          })
      let best = means.indices.min { (diverged[$0], means[$0]) < (diverged[$1], means[$1]) }
      if let best { result.bold.append((task, best + 1)) }
    }
    return result
  }

  private func speedups(_ table: SuiteTable) -> ReportTable {
    ReportTable(
      columns: ["task"] + table.entrants,
      rows: table.tasks.indices.map { task in
        [table.tasks[task]]
          + table.scores[task].map { scores in
            Self.number(Statistics.interquartileMean(scores.compactMap { $0.metrics[.speedup] }))
          }
      })
  }

  private func rates(_ table: SuiteTable) -> ReportTable {
    ReportTable(
      columns: ["task"] + table.entrants,
      rows: table.tasks.map { name in
        [name]
          + table.entrants.map { label in
            let chosen = record.final(task: name, horizon: table.horizon, optimizer: label)?
              .hyperparameters
            return chosen.map { Self.words($0) } ?? "–"
          }
      })
  }

  private static func words(_ chosen: Hyperparameters) -> String {
    var words = [number(Double(chosen.rate))]
    if let momentum = chosen.momentum { words.append("momentum \(number(momentum))") }
    if let decay = chosen.weightDecay { words.append("decay \(number(Double(decay)))") }
    if chosen.schedule != .constant { words.append(chosen.schedule.text) }
    return words.joined(separator: ", ")
  }

  private func curveChart(_ task: Int, _ table: SuiteTable) -> Chart {
    let all = table.curves[task]
    let series = all.indices.map { entrant -> Chart.Series in
      let runs = all[entrant]
      let points = runs[0].steps.enumerated().map { index, step in
        (step, Statistics.median(runs.map { $0.losses[index] }))
      }
      return Chart.Series(name: table.entrants[entrant], points: points, style: entrant)
    }
    let values = series.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
    let start = series.first?.points.first?.y ?? 1
    // What has grown far above the start would press all else to the floor.
    let limited = series.map { each in
      var each = each
      each.points = each.points.filter { $0.y <= max(2 * start, start + abs(start)) }
      return each
    }
    return Chart(
      title: "\(table.tasks[task]): loss by step", xLabel: "step", yLabel: "median loss",
      hasLogarithmicY: values.allSatisfy { $0 > 0 }, series: limited)
  }

  private func rateChart(_ task: Int, _ table: SuiteTable) -> Chart? {
    let start = Statistics.mean(table.curves[task].flatMap { $0.map { $0.losses[0] } })
    let series = table.entrants.indices.compactMap { entrant -> Chart.Series? in
      let trials = record.trials(
        task: table.tasks[task], horizon: table.horizon, optimizer: table.entrants[entrant])
      let points = trials.compactMap { trial in
        trial.hyperparameters.map { (Double($0.rate), trial.mean) }
      }.filter { $0.1 <= max(2 * start, start + abs(start)) }.sorted { $0.0 < $1.0 }
      return points.isEmpty
        ? nil
        : Chart.Series(
          name: table.entrants[entrant], points: points, style: entrant, isMarked: true)
    }
    let values = series.flatMap { $0.points.map(\.y) }
    return series.isEmpty
      ? nil
      : Chart(
        title: "\(table.tasks[task]): loss of trials", xLabel: "learning rate",
        yLabel: "mean final loss", hasLogarithmicX: true,
        hasLogarithmicY: values.allSatisfy { $0 > 0 }, series: series)
  }
}
