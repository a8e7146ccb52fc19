internal import Comparison
internal import LearnedOptimizers
internal import Settings

// MARK: - Numbers for programs
//
// Numbers are the shortest decimals that read back as the same; a diverged run's loss is `inf`, and
// what is not defined is empty.

extension SuiteReport {
  /// The measured losses of every run: task,horizon,optimizer,seed,step,loss.
  package var curves: String {
    var text = "task,horizon,optimizer,seed,step,loss\n"
    forEachFinal { head, result, stepCount in
      let points = settings.points(of: stepCount)
      for (seed, run) in result.runs.enumerated() {
        for (step, loss) in zip(points, run.losses) {
          text += "\(head),\(seed),\(step),\(Self.loss(loss))\n"
        }
      }
    }
    return text
  }

  /// Every trial's final losses:
  /// task,horizon,optimizer,trial,rate,momentum,weight_decay,schedule,seed,loss.
  package var trials: String {
    var text =
      "task,horizon,optimizer,trial,rate,momentum,weight_decay,schedule,seed,loss\n"
    forEachCell { head, task, horizon, optimizer in
      let trials = record.trials(task: task.name, horizon: horizon, optimizer: optimizer)
      for (number, trial) in trials.enumerated() {
        for (seed, run) in trial.runs.enumerated() {
          text +=
            "\(head),\(number),\(Self.text(trial.hyperparameters)),\(seed),"
            + "\(Self.loss(run.losses.last ?? nil))\n"
        }
      }
    }
    return text
  }

  /// What optimizers that are told a number of steps make of a wrong one:
  /// task,horizon,optimizer,share,seed,loss.
  package var told: String {
    var text = "task,horizon,optimizer,share,seed,loss\n"
    forEachCell { head, task, horizon, optimizer in
      for (share, result) in record.told(
        task: task.name, horizon: horizon, optimizer: optimizer)
      {
        for (seed, run) in result.runs.enumerated() {
          text += "\(head),\(share),\(seed),\(Self.loss(run.losses.last ?? nil))\n"
        }
      }
    }
    return text
  }

  /// Where the time went: task,horizon,optimizer,seed,steps,parameters,gradient_seconds,update_seconds.
  package var times: String {
    var text = "task,horizon,optimizer,seed,steps,parameters,gradient_seconds,update_seconds\n"
    forEachFinal { head, result, _ in
      for (seed, run) in result.runs.enumerated() {
        text +=
          "\(head),\(seed),\(run.steps),\(run.parameterCount),\(run.gradientSeconds),"
          + "\(run.updateSeconds)\n"
      }
    }
    return text
  }

  /// Every run's final loss and scores, with the hyperparameters chosen and the baseline it is measured
  /// by.
  package var runs: String {
    var text =
      "task,horizon,optimizer,rate,momentum,weight_decay,schedule,baseline,seed,loss,"
      + SuiteMetric.allCases.map(\.column).joined(separator: ",") + ",win\n"
    forEachTable { table in
      for (task, name) in table.tasks.enumerated() {
        let baseline = table.references[task].map { table.entrants[$0] } ?? ""
        for (entrant, label) in table.entrants.enumerated() {
          let chosen = record.final(
            task: name, horizon: table.horizon, optimizer: label)?.hyperparameters
          for (seed, score) in table.scores[task][entrant].enumerated() {
            let metrics = SuiteMetric.allCases.map { Self.text(score.metrics[$0]) }
            text +=
              "\(name),\(table.horizon),\(label),\(Self.text(chosen)),\(baseline),\(seed),"
              + "\(score.final),\(metrics.joined(separator: ",")),\(Self.text(score.win))\n"
          }
        }
      }
    }
    return text
  }

  /// The figures over all tasks: horizon,optimizer,figure,value,low,high,count.
  package var summary: String {
    var text = "horizon,optimizer,figure,value,low,high,count\n"
    forEachTable { table in
      for (label, summary) in zip(table.entrants, table.summaries) {
        let head = "\(table.horizon),\(label)"
        for metric in SuiteMetric.allCases {
          guard let mean = summary.means[metric] else { continue }
          text +=
            "\(head),\(metric.column) iqm,\(mean.value),\(mean.interval.low),"
            + "\(mean.interval.high),\(mean.count)\n"
        }
        if let wins = summary.winRate {
          text += "\(head),win rate,\(wins),,,\n"
        }
        text += "\(head),diverged,\(summary.divergedCount),,,\(summary.runCount)\n"
        if let decades = record.tolerance(optimizer: label, horizon: table.horizon) {
          text += "\(head),rate tolerance,\(decades),,,\n"
        }
      }
      for duel in table.duels {
        let head = "\(table.horizon),\(table.entrants[duel.entrant])"
        let baseline = table.entrants[duel.baseline]
        if let speedup = duel.speedup {
          text +=
            "\(head),speedup iqm over \(baseline),\(speedup.value),\(speedup.interval.low),"
            + "\(speedup.interval.high),\(speedup.count)\n"
        }
        text += "\(head),win rate over \(baseline),\(duel.winRate),,,\n"
      }
    }
    return text
  }

  /// The profiles: horizon,optimizer,metric,threshold,share,low,high.
  package var profiles: String {
    var text = "horizon,optimizer,metric,threshold,share,low,high\n"
    forEachTable { table in
      for (label, summary) in zip(table.entrants, table.summaries) {
        for metric in SuiteMetric.allCases {
          guard let thresholds = SuiteTable.thresholds(metric),
            let profile = summary.profiles[metric]
          else { continue }
          for (threshold, share) in zip(thresholds, profile) {
            text +=
              "\(table.horizon),\(label),\(metric.column),\(threshold),\(share.value),"
              + "\(share.interval.low),\(share.interval.high)\n"
          }
        }
      }
    }
    return text
  }

  /// What everything was made with.
  var json: JSONValue {
    func object(_ texts: [String: String]) -> JSONValue { .object(texts.mapValues { .string($0) }) }
    return .object([
      "format_version": .number(1), "title": .string(title), "program": .string(facts.program),
      "program_hash": .string(facts.programHash), "settings": .string(facts.settings),
      "seed": .string("\(settings.seed)"), "seeds": .number(Double(settings.seedCount)),
      "tuning_seeds": .number(Double(settings.tuningSeedCount)),
      "trials": .number(Double(settings.trialCount)),
      "horizons": .array(settings.horizons.map { .number(Double($0)) }),
      "minibatches": .number(Double(settings.batchCount)),
      "points": .number(Double(settings.pointCount)),
      "tasks": .array(
        record.tasks.map { task in
          .object([
            "name": .string(task.name), "steps": .number(Double(task.stepCount)),
            "problem": .string(facts.problems[task.name] ?? ""),
            "hash": .string(facts.tasks[task.name] ?? ""),
          ])
        }),
      "optimizers": .array(
        record.optimizers.map { optimizer in
          .object([
            "name": .string(optimizer.label), "baseline": .bool(optimizer.isBaseline),
            "hash": .string(facts.optimizers[optimizer.label] ?? ""),
          ])
        }),
    ])
  }

  // MARK: - Rows

  private func forEachTable(_ body: (SuiteTable) -> Void) {
    for table in record.tables { body(table) }
  }

  private func forEachCell(
    _ body: (_ head: String, SuiteRecord.Task, _ horizon: Int, _ optimizer: String) -> Void
  ) {
    for horizon in record.horizons {
      for task in record.tasks {
        for optimizer in record.optimizers {
          body("\(task.name),\(horizon),\(optimizer.label)", task, horizon, optimizer.label)
        }
      }
    }
  }

  private func forEachFinal(
    _ body: (_ head: String, SuiteResult, _ stepCount: Int) -> Void
  ) {
    forEachCell { head, task, horizon, optimizer in
      let result = record.final(task: task.name, horizon: horizon, optimizer: optimizer)
      if let result { body(head, result, task.stepCount * horizon) }
    }
  }

  private static func loss(_ loss: Float?) -> String { loss.map { "\($0)" } ?? "inf" }

  private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }

  /// Rate, momentum, weight decay and schedule.
  private static func text(_ hyperparameters: Hyperparameters?) -> String {
    guard let hyperparameters else { return ",,," }
    return "\(hyperparameters.rate),\(text(hyperparameters.momentum)),"
      + (hyperparameters.weightDecay.map { "\($0)" } ?? "") + ",\(hyperparameters.schedule.text)"
  }
}

extension SuiteMetric {
  /// The name of its column.
  var column: String { rawValue.replacing(" ", with: "_") }
}
