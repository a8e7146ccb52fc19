internal import Comparison
internal import LearnedOptimizers
package import Settings
internal import Unrolling

// MARK: - The result for programs
//
// Numbers are the shortest decimals that read back as the same; a diverged run's loss is `inf`.

extension ComparisonReport {
  /// All data files, by name.
  package var files: [(name: String, text: String)] {
    [
      ("curves.csv", curves), ("times.csv", times), ("summary.csv", summary),
      ("tuning.csv", tuning), ("result.json", json.text + "\n"), ("figure.gp", figureScript),
    ]
  }

  /// Every loss: optimizer,epoch,step,loss.
  package var curves: String {
    table("optimizer,epoch,step,loss") { label, position, write in
      for (epoch, run) in runs[position].enumerated() {
        for (step, loss) in run.losses.enumerated() { write("\(label),\(epoch),\(step),\(loss)") }
      }
    }
  }

  /// The steps of every run and their time: optimizer,epoch,steps,seconds.
  package var times: String {
    table("optimizer,epoch,steps,seconds") { label, position, write in
      for (epoch, run) in runs[position].enumerated() {
        write("\(label),\(epoch),\(run.steps),\(run.seconds)")
      }
    }
  }

  /// The figures after every step:
  /// optimizer,step,mean,median,p10,p90,ci_low,ci_high,finite.
  package var summary: String {
    table("optimizer,step,mean,median,p10,p90,ci_low,ci_high,finite") { label, position, write in
      for (step, figures) in standings.all[position].steps.enumerated() {
        write(
          "\(label),\(step),\(figures.mean),\(figures.median),\(figures.lowDecile),"
            + "\(figures.highDecile),\(figures.interval.low),\(figures.interval.high),"
            + "\(figures.finite)")
      }
    }
  }

  /// Every learning rate tried, in order: optimizer,learning_rate,loss.
  package var tuning: String {
    table("optimizer,learning_rate,loss") { label, position, write in
      for trial in standings.all[position].search?.trials ?? [] {
        write("\(label),\(trial.rate),\(trial.loss)")
      }
    }
  }

  private func table(
    _ header: String,
    _ rows: (_ label: String, _ position: Int, _ write: (String) -> Void) -> Void
  ) -> String {
    var text = header + "\n"
    for (position, label) in labels.enumerated() {
      rows(label, position) { row in
        text += row
        text += "\n"
      }
    }
    return text
  }

  // MARK: - JSON

  /// Everything but the single losses; null stands for what is infinite or not there.
  package var json: JSONValue {
    var members = facts
    members["format_version"] = .number(1)
    members["problem"] = .string(problem)
    members["split"] = split.map(JSONValue.string) ?? .null
    members["num_epochs"] = .number(Double(settings.epochCount))
    members["num_steps"] = .number(Double(settings.stepCount))
    members["seed"] = .string(String(settings.seed))
    members["tuning_epochs"] = .number(Double(settings.tuningEpochs))
    members["bootstrap"] = .object([
      "resamples": .number(Double(Bootstrap.resamples)), "level": .number(Bootstrap.level),
    ])
    members["best_baseline"] = standings.best.map { .string($0.contender.label) } ?? .null
    members["optimizers"] = .array(standings.all.map(Self.json))
    return .object(members)
  }

  private static func json(_ standing: Standing) -> JSONValue {
    let final = standing.final
    var members: [String: JSONValue] = [
      "label": .string(standing.contender.label), "learned": .bool(standing.contender.isLearned),
      "learning_rate": number(standing.rate.map(Double.init)),
      "final": .object([
        "mean": number(final.mean), "median": number(final.median),
        "p10": number(final.lowDecile), "p90": number(final.highDecile),
        "ci_low": number(final.interval.low), "ci_high": number(final.interval.high),
      ]),
      "area": number(standing.area), "diverged": .number(Double(standing.diverged)),
      "ratio": number(standing.ratio), "win_rate": number(standing.winRate),
      "seconds_per_step": number(standing.secondsPerStep), "reached": .null, "tuning": .null,
    ]
    switch standing.contender.rule {
    case .baseline(let baseline, _): members["rule"] = .string(baseline.name)
    case .learned(let nets):
      members["nets"] = .array(
        nets.nets.map { net in
          .object([
            "key": .string(net.key), "net": .string(type(of: net.optimizer).name),
            "options": .object(net.optimizer.options),
          ])
        })
    }
    if let reach = standing.reach {
      members["reached"] = .object([
        "step": .number(Double(reach.step)), "seconds": number(reach.seconds),
      ])
    }
    if let search = standing.search {
      members["tuning"] = .object([
        "best_at_edge": .bool(search.isBestAtEdge),
        "trials": .array(
          search.trials.map {
            .object(["learning_rate": .float($0.rate), "loss": number($0.loss)])
          }),
      ])
    }
    return .object(members)
  }

  private static func number(_ value: Double?) -> JSONValue {
    guard let value, value.isFinite else { return .null }
    return .number(value)
  }
}
