internal import Platform

/// All that a suite found: what reports are made of, and CSV files hold.
package struct SuiteRecord: Sendable {
  /// A task as reports name it.
  package struct Task: Equatable, Sendable {
    /// The name.
    package let name: String
    /// The steps at horizon 1.
    package let stepCount: Int

    /// A task.
    package init(name: String, stepCount: Int) {
      self.name = name
      self.stepCount = stepCount
    }
  }

  /// An optimizer as reports name it.
  package struct Optimizer: Equatable, Sendable {
    /// The name.
    package let label: String
    /// Whether it is hand-designed.
    package let isBaseline: Bool

    /// An optimizer.
    package init(label: String, isBaseline: Bool) {
      self.label = label
      self.isBaseline = isBaseline
    }
  }

  /// The tasks.
  package let tasks: [Task]
  /// The optimizers.
  package let optimizers: [Optimizer]
  /// How many times a task's steps runs have.
  package let horizons: [Int]
  /// Every unit.
  package let results: [SuiteUnit: SuiteResult]
  /// One a horizon.
  package let tables: [SuiteTable]

  /// Works out the tables of results that are complete.
  ///
  /// - Returns: nil when a final result is missing.
  package init?(
    tasks: [Task], optimizers: [Optimizer], settings: SuiteSettings, results: [SuiteResult],
    envelopes: [String: LossCurve] = [:]
  ) {
    self.tasks = tasks
    self.optimizers = optimizers
    horizons = settings.horizons
    let byUnit = Dictionary(results.map { ($0.unit, $0) }) { first, _ in first }
    self.results = byUnit
    var tables: [SuiteTable] = []
    for horizon in settings.horizons {
      var curves: [[[LossCurve]]] = []
      for task in tasks {
        let points = settings.points(of: task.stepCount * horizon)
        var row: [[LossCurve]] = []
        for optimizer in optimizers {
          let unit = SuiteUnit(
            task: task.name, horizon: horizon, entrant: optimizer.label, purpose: .final)
          guard let runs = byUnit[unit]?.runs,
            runs.allSatisfy({ $0.losses.count == points.count })
          else { return nil }
          row.append(runs.map { LossCurve(steps: points.map(Double.init), losses: $0.doubles) })
        }
        curves.append(row)
      }
      tables.append(
        SuiteTable(
          horizon: horizon, tasks: tasks.map(\.name), entrants: optimizers.map(\.label),
          isBaseline: optimizers.map(\.isBaseline), curves: curves, envelopes: envelopes,
          seed: settings.seed))
    }
    self.tables = tables
  }

  /// The trials of an optimizer on a task, in order; empty for one with nothing to tune.
  package func trials(task: String, horizon: Int, optimizer: String) -> [SuiteResult] {
    var trials: [SuiteResult] = []
    while let trial = results[
      SuiteUnit(
        task: task, horizon: horizon, entrant: optimizer, purpose: .trial(trials.count))]
    { trials.append(trial) }
    return trials
  }

  /// The final result of an optimizer on a task.
  package func final(task: String, horizon: Int, optimizer: String) -> SuiteResult? {
    results[SuiteUnit(task: task, horizon: horizon, entrant: optimizer, purpose: .final)]
  }

  /// The results of an optimizer on a task with other numbers of steps that it was told, by share.
  package func told(task: String, horizon: Int, optimizer: String) -> [(Double, SuiteResult)] {
    results.values.compactMap { result in
      guard case .told(let share) = result.unit.purpose, result.unit.task == task,
        result.unit.horizon == horizon, result.unit.entrant == optimizer
      else { return nil }
      return (share, result)
    }.sorted { $0.0 < $1.0 }
  }

  /// The time of an optimizer alone, a parameter and step, in nanoseconds, over all tasks; nil when no
  /// run took a step.
  package func overhead(optimizer: String) -> Double? {
    var (seconds, elements) = (0.0, 0.0)
    for task in tasks {
      for horizon in horizons {
        let runs =
          final(task: task.name, horizon: horizon, optimizer: optimizer)?.runs ?? []
        for run in runs {
          seconds += run.updateSeconds
          elements += Double(run.steps) * Double(run.parameterCount)
        }
      }
    }
    return elements > 0 ? seconds * 1e9 / elements : nil
  }

  /// In how wide a range of learning rates an optimizer's trials did well: the decades between the
  /// smallest and the largest rate whose mean loss is at most halfway from the best trial's to the
  /// start's on a logarithmic scale where losses are positive, on a linear one where not.
  ///
  /// - Returns: the median over tasks; nil for one with nothing to tune.
  package func tolerance(optimizer: String, horizon: Int) -> Double? {
    var widths: [Double] = []
    for task in tasks.indices {
      let trials = trials(task: tasks[task].name, horizon: horizon, optimizer: optimizer)
      guard let best = trials.map(\.mean).min(), best.isFinite,
        let table = tables.first(where: { $0.horizon == horizon }),
        let entrant = table.entrants.firstIndex(of: optimizer)
      else { continue }
      let start = Statistics.mean(table.curves[task][entrant].map { $0.losses[0] })
      let limit = best > 0 && start > 0 ? (best * start).squareRoot() : (best + start) / 2
      let rates = trials.filter { $0.mean <= limit }.compactMap { $0.hyperparameters?.rate }
      guard let low = rates.min(), let high = rates.max(), low > 0 else { continue }
      widths.append(Self.decades(from: low, to: high))
    }
    return widths.isEmpty ? nil : Statistics.median(widths)
  }
}

extension SuiteRun {
  /// The losses, infinite from where the run diverged.
  package var doubles: [Double] { losses.map { $0.map(Double.init) ?? .infinity } }
}

extension SuiteRecord {
  private static func decades(from low: Float, to high: Float) -> Double {
    log10(Double(high)) - log10(Double(low))
  }
}
