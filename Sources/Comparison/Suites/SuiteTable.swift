/// How a run is measured against the best baseline on its task.
package enum SuiteMetric: String, CaseIterable, Sendable {
  /// How many times fewer steps to the same loss.
  case speedup
  /// The part of the baseline's descent.
  case progress
  /// The baseline's final loss over the run's.
  case ratio = "loss ratio"
  /// The step at which the task's envelope is as low, over the steps used.
  case envelope = "speedup over the envelope"
}

/// One optimizee of one optimizer, measured.
package struct RunScore: Equatable, Sendable {
  /// The final loss; infinite when the run diverged.
  package let final: Double
  /// The scores, where they are defined.
  package let metrics: [SuiteMetric: Double]
  /// 1 where the final loss is below the best baseline's, 0.5 where both are the same; nil for that
  /// baseline itself.
  package let win: Double?
}

/// A figure over tasks and seeds with its interval.
package struct Estimate: Equatable, Sendable {
  /// The figure.
  package let value: Double
  /// The stratified bootstrap's 95% interval.
  package let interval: Interval
  /// How many runs it is made of.
  package let count: Int
}

/// What one optimizer reached at one horizon over all tasks.
package struct EntrantSummary: Sendable {
  /// The interquartile mean of each metric that is defined somewhere.
  package let means: [SuiteMetric: Estimate]
  /// For some metrics, the share of runs above each of `SuiteTable.thresholds`.
  package let profiles: [SuiteMetric: [Estimate]]
  /// The share of runs won against the best baseline of the task, those aside on which it is itself
  /// the best; nil where there is none.
  package let winRate: Double?
  /// How many runs diverged.
  package let divergedCount: Int
  /// How many runs there are.
  package let runCount: Int
}

/// A learned optimizer against one baseline alone, on all tasks and the same optimizees.
package struct Duel: Sendable {
  /// The learned optimizer's place among all.
  package let entrant: Int
  /// The baseline's.
  package let baseline: Int
  /// The interquartile mean of the speedups; nil where the baseline never descended.
  package let speedup: Estimate?
  /// The share of runs won; ties count half.
  package let winRate: Double
}

/// All optimizers on all tasks at one horizon.
package struct SuiteTable: Sendable {
  /// How many times the tasks' steps runs have.
  package let horizon: Int
  /// The names of the tasks.
  package let tasks: [String]
  /// The labels of the optimizers.
  package let entrants: [String]
  /// For each task, the baseline with the fewest diverged runs and, of these, the smallest mean final
  /// loss; nil where there is none.
  package let references: [Int?]
  /// The curves of each task's optimizers' runs.
  package let curves: [[[LossCurve]]]
  /// The scores of each task's optimizers' runs.
  package let scores: [[[RunScore]]]
  /// One an optimizer.
  package let summaries: [EntrantSummary]
  /// Every learned optimizer against every baseline.
  package let duels: [Duel]

  /// Where the profiles of a metric are taken; nil for a metric that has none.
  package static func thresholds(_ metric: SuiteMetric) -> [Double]? {
    switch metric {
    case .speedup: (0...40).map { exponent in speedupThresholds[exponent] }
    case .progress: (0...30).map { Double($0) / 20 }
    case .ratio, .envelope: nil
    }
  }

  // From 1/10 to 10, twenty to a decade.
  private static let speedupThresholds: [Double] = {
    var values: [Double] = []
    let factor = 1.122018454301963  // 10^(1/20)
    var value = 0.1
    for _ in 0...40 {
      values.append(value)
      value *= factor
    }
    return values
  }()

  /// Works out the table.
  ///
  /// - Parameters:
  ///   - runs: for each task and optimizer the curves of its runs, one a seed, the same seeds for all.
  ///   - isBaseline: of each optimizer.
  ///   - envelopes: what some tasks' losses are worth.
  ///   - seed: of the bootstrap.
  package init(
    horizon: Int, tasks: [String], entrants: [String], isBaseline: [Bool],
    curves: [[[LossCurve]]], envelopes: [String: LossCurve] = [:], seed: UInt64
  ) {
    self.horizon = horizon
    self.tasks = tasks
    self.entrants = entrants
    self.curves = curves
    let best = curves.map { Self.reference($0, isBaseline) }
    let all = tasks.indices.map { task in
      Self.scores(curves[task], reference: best[task], envelope: envelopes[tasks[task]])
    }
    references = best
    scores = all
    let bootstrap = StratifiedBootstrap(seed: seed)
    summaries = entrants.indices.map { entrant in
      EntrantSummary(all.map { $0[entrant] }, bootstrap)
    }
    duels = entrants.indices.filter { !isBaseline[$0] }.flatMap { entrant in
      entrants.indices.filter { isBaseline[$0] }.map { baseline in
        Duel(entrant, baseline, curves, bootstrap)
      }
    }
  }

  private static func reference(_ curves: [[LossCurve]], _ isBaseline: [Bool]) -> Int? {
    func rank(_ entrant: Int) -> (Int, Double) {
      let finals = curves[entrant].map(\.final)
      return (finals.count { !$0.isFinite }, Statistics.mean(finals))
    }
    return curves.indices.filter { isBaseline[$0] }.min { rank($0) < rank($1) }
  }

  private static func scores(
    _ curves: [[LossCurve]], reference: Int?, envelope: LossCurve?
  ) -> [[RunScore]] {
    // Ratios are of positive losses; where some optimizer's is none, the task has no ratios.
    let hasRatios = curves.allSatisfy { $0.allSatisfy { $0.final > 0 } }
    return curves.enumerated().map { entrant, runs in
      runs.enumerated().map { seed, run in
        var metrics: [SuiteMetric: Double] = [:]
        metrics[.envelope] = envelope.map { run.worth(on: $0) }
        var win: Double?
        if let reference {
          let best = curves[reference][seed]
          metrics[.speedup] = run.speedup(over: best)
          metrics[.progress] = run.progress(over: best)
          if hasRatios { metrics[.ratio] = run.ratio(over: best) }
          if entrant != reference {
            win = run.final < best.final ? 1 : run.final == best.final ? 0.5 : 0
          }
        }
        return RunScore(final: run.final, metrics: metrics, win: win)
      }
    }
  }
}

extension LossCurve {
  /// The step at which an envelope is as low as this run's final loss, over the steps used; the
  /// envelope's last step when it never is.
  func worth(on envelope: LossCurve) -> Double {
    guard final.isFinite else { return 0 }
    return (envelope.step(reaching: final) ?? envelope.length) / max(length, 1)
  }
}

extension EntrantSummary {
  /// The summary of each task's runs.
  init(_ scores: [[RunScore]], _ bootstrap: StratifiedBootstrap) {
    var means: [SuiteMetric: Estimate] = [:]
    var profiles: [SuiteMetric: [Estimate]] = [:]
    for metric in SuiteMetric.allCases {
      let thresholds = SuiteTable.thresholds(metric) ?? []
      let estimates = bootstrap.estimates(
        of: scores.map { $0.compactMap { $0.metrics[metric] } }
      ) { values in
        [Statistics.interquartileMean(values)]
          + Statistics.shares(of: values, above: thresholds)
      }
      guard let mean = estimates.first else { continue }
      means[metric] = mean
      if !thresholds.isEmpty { profiles[metric] = Array(estimates.dropFirst()) }
    }
    self.means = means
    self.profiles = profiles
    let all = scores.flatMap(\.self)
    let wins = all.compactMap(\.win)
    winRate = wins.isEmpty ? nil : wins.reduce(0, +) / Double(wins.count)
    divergedCount = all.count { !$0.final.isFinite }
    runCount = all.count
  }
}

extension Duel {
  /// The duel of two optimizers with these curves of each task's optimizers' runs.
  init(
    _ entrant: Int, _ baseline: Int, _ curves: [[[LossCurve]]], _ bootstrap: StratifiedBootstrap
  ) {
    self.entrant = entrant
    self.baseline = baseline
    let pairs = curves.map { Array(zip($0[entrant], $0[baseline])) }
    speedup =
      bootstrap.estimates(of: pairs.map { $0.compactMap { $0.speedup(over: $1) } }) {
        [Statistics.interquartileMean($0)]
      }.first
    let all = pairs.flatMap(\.self)
    winRate = Statistics.winRate(of: all.map(\.0.final), against: all.map(\.1.final))
  }
}

extension StratifiedBootstrap {
  /// Figures of numbers in strata, with their intervals; none where there are no numbers.
  func estimates(
    of strata: [[Double]], _ figures: ([Double]) -> [Double]
  ) -> [Estimate] {
    let strata = strata.filter { !$0.isEmpty }
    let values = strata.flatMap(\.self)
    guard !values.isEmpty else { return [] }
    return zip(figures(values), intervals(of: strata, figures)).map {
      Estimate(value: $0, interval: $1, count: values.count)
    }
  }
}
