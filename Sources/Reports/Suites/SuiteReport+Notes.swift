internal import Comparison

extension SuiteReport {
  // MARK: - Time

  var overheadText: String {
    "Nanoseconds a parameter and step that an optimizer takes besides loss and gradient, over all"
      + " tasks, on the machine that ran it; times.csv has all. Unlike all other numbers here these"
      + " differ from run to run."
  }

  var overheadTable: ReportTable {
    ReportTable(
      columns: ["optimizer", "ns a parameter and step"],
      rows: record.optimizers.map {
        [$0.label, Self.number(record.overhead(optimizer: $0.label))]
      })
  }

  // MARK: - Told numbers of steps

  var toldBlocks: [ReportBlock] {
    var rows: [[String]] = []
    for horizon in record.horizons {
      for optimizer in record.optimizers {
        let all = record.tasks.map {
          (
            task: $0.name,
            told: record.told(task: $0.name, horizon: horizon, optimizer: optimizer.label)
          )
        }
        let shares = Set(all.flatMap { $0.told.map(\.0) }).sorted()
        for share in shares {
          let ratios = all.compactMap { each -> Double? in
            guard let result = each.told.first(where: { $0.0 == share })?.1,
              let final = record.final(
                task: each.task, horizon: horizon, optimizer: optimizer.label)
            else { return nil }
            return final.mean > 0 ? result.mean / final.mean : nil
          }
          rows.append([
            optimizer.label, "\(horizon)", Self.number(share),
            Self.number(Statistics.median(ratios)), "\(ratios.count)",
          ])
        }
      }
    }
    guard !rows.isEmpty else { return [] }
    return [
      .heading(2, "Told another number of steps"),
      .text(
        "Optimizers that ask how many steps there will be, told a part or a multiple of the true"
          + " number: the final loss over that of the truth, the median over tasks with losses above 0."
          + " told.csv has all."),
      .table(
        ReportTable(
          columns: ["optimizer", "horizon", "told share", "loss ratio", "tasks"], rows: rows)),
    ]
  }

  // MARK: - How it was done

  var methods: [ReportBlock] {
    [
      .heading(2, "How it was measured"),
      .text(
        "A run's loss is the mean over \(settings.batchCount) minibatches that no step takes, the same"
          + " for all optimizers, at \(settings.pointCount) points and at the start. All optimizers get"
          + " the same optimizees: initial values and minibatches follow from the seed, the task and the"
          + " optimizee's number."),
      .text(
        "Speedup: how many times fewer steps than the best tuned baseline of its task a run took to the"
          + " larger of both final losses, from first step to first step that came as low."
          + " Progress: the part"
          + " of the baseline's descent. Loss ratio: the baseline's final loss over the run's, on tasks"
          + " whose losses are above 0. A run that diverged has 0 in all of them; the best baseline is"
          + " chosen on the measured runs, in its own favour."),
      .text(
        "The interquartile mean leaves out the lower and the upper quarter; intervals are"
          + " percentiles of \(Bootstrap.resamples) stratified bootstrap resamples (Agarwal et al.,"
          + " 2021). Good rates: the decades of learning rates whose trials ended within half of the"
          + " best trial's way down, on a logarithmic scale; the median over tasks."),
    ]
  }

  var provenance: [ReportBlock] {
    [
      .heading(2, "What it was made with"),
      .text(
        "l2l \(facts.program)"
          + (facts.programHash.isEmpty ? "" : ", program hash \(facts.programHash)")
          + "; \(facts.settings)."),
      .table(
        ReportTable(
          columns: ["task", "problem", "steps", "hash"],
          rows: record.tasks.map {
            [
              $0.name, facts.problems[$0.name] ?? "", "\($0.stepCount)", facts.tasks[$0.name] ?? "",
            ]
          })),
      .table(
        ReportTable(
          columns: ["optimizer", "kind", "hash"],
          rows: record.optimizers.map {
            [
              $0.label, $0.isBaseline ? "hand-designed" : "learned",
              facts.optimizers[$0.label] ?? "",
            ]
          })),
    ]
  }
}
