/// The losses of a contender after one step, over all optimizees.
package struct StepFigures: Equatable, Sendable {
  /// The mean over the runs that had not diverged.
  package let mean: Double
  /// The bootstrap interval of the mean.
  package let interval: Interval
  /// The median; a diverged run counts as infinite.
  package let median: Double
  /// What a tenth of the runs is below.
  package let lowDecile: Double
  /// What a tenth of the runs is above.
  package let highDecile: Double
  /// How many runs had not diverged.
  package let finite: Int
}

/// What a contender reached.
package struct Standing: Sendable {
  /// The first step at which the mean loss was not above that of the best baseline at its end.
  package struct Reach: Equatable, Sendable {
    /// The step.
    package let step: Int
    /// The step's number times the time of a step.
    package let seconds: Double

    /// A step, and the time until then.
    package init(step: Int, seconds: Double) {
      self.step = step
      self.seconds = seconds
    }
  }

  /// Who.
  package let contender: Contender
  /// Its learning rate; nil for learned ones.
  package let rate: Float?
  /// How the rate was found; nil when it was given.
  package let search: LearningRateSearch?
  /// Its figures at every step from 0 to T.
  package let steps: [StepFigures]
  /// The mean height of the loss curves, over the runs that did not diverge.
  package let area: Double
  /// How many runs diverged.
  package let diverged: Int
  /// The time of a step: the median over the runs of their mean; NaN when no run took a step.
  package let secondsPerStep: Double
  /// Its mean final loss divided by that of the best baseline.
  package fileprivate(set) var ratio: Double?
  /// The share of optimizees on which its final loss is below the best baseline's; nil for that one.
  package fileprivate(set) var winRate: Double?
  /// When its mean loss reached the best baseline's final one; nil when it did not.
  package fileprivate(set) var reach: Reach?
  fileprivate let finals: [Double]

  /// The figures after the last step.
  package var final: StepFigures { steps[steps.count - 1] }

  init(
    _ contender: Contender, rate: Float?, search: LearningRateSearch?, runs: [ContestRun],
    bootstrap: Bootstrap
  ) {
    self.contender = contender
    self.rate = rate
    self.search = search
    let curves = runs.map { $0.losses.map(Double.init) }
    steps = Self.figures(curves, bootstrap)
    finals = curves.map { $0.last ?? .infinity }
    area = Statistics.mean(curves.map(Statistics.area(under:)))
    diverged = finals.count { !$0.isFinite }
    secondsPerStep = Statistics.median(
      runs.filter { $0.steps > 0 }.map { $0.seconds / Double($0.steps) })
  }

  private static func figures(_ curves: [[Double]], _ bootstrap: Bootstrap) -> [StepFigures] {
    let intervals = intervals(curves, bootstrap)
    return intervals.indices.map { step in
      let losses = curves.map { $0[step] }
      let sorted = losses.sorted()
      return StepFigures(
        mean: Statistics.mean(losses), interval: intervals[step],
        median: Statistics.quantile(0.5, ofSorted: sorted),
        lowDecile: Statistics.quantile(0.1, ofSorted: sorted),
        highDecile: Statistics.quantile(0.9, ofSorted: sorted),
        finite: losses.count(where: \.isFinite))
    }
  }

  /// The intervals at all steps.
  ///
  /// A run that diverged stays so: between two divergences the draws are
  /// from the same runs and are made for all steps at once.
  private static func intervals(_ curves: [[Double]], _ bootstrap: Bootstrap) -> [Interval] {
    let count = curves.first?.count ?? 0
    var result: [Interval] = []
    while result.count < count {
      let start = result.count
      let alive = curves.filter { $0[start].isFinite }
      let end = alive.map { $0.firstIndex { !$0.isFinite } ?? count }.min() ?? count
      let rows = alive.map { Array($0[start..<end]) }
      result += bootstrap.intervals(columns: end - start, rows: rows)
    }
    return result
  }
}

/// All contenders' standings, and which of the baselines is the best.
package struct Standings: Sendable {
  /// In the order of the contenders.
  package let all: [Standing]
  /// The position of the baseline with the fewest diverged runs and, of these, the smallest mean
  /// final loss; nil when there is no baseline.
  package let bestBaseline: Int?

  /// The standing of the best baseline.
  package var best: Standing? { bestBaseline.map { all[$0] } }

  /// Works out the standings.
  ///
  /// - Parameters:
  ///   - rates: the learning rate of each contender that has none of its own.
  ///   - searches: how these were found.
  ///   - runs: for each contender its runs, in the order of epochs.
  ///   - seed: of the bootstrap.
  package init(
    _ contenders: [Contender], rates: [Float?], searches: [LearningRateSearch?],
    runs: [[ContestRun]], seed: UInt64
  ) {
    var all = contenders.indices.map { index in
      var rate = rates[index]
      switch contenders[index].rule {
      case .learned: rate = nil
      case .baseline(_, let own): rate = own ?? rate
      }
      return Standing(
        contenders[index], rate: rate, search: searches[index], runs: runs[index],
        bootstrap: Bootstrap(seed: seed))
    }
    bestBaseline = all.indices.filter { !contenders[$0].isLearned }.min {
      (all[$0].diverged, all[$0].final.mean) < (all[$1].diverged, all[$1].final.mean)
    }
    if let bestBaseline {
      let best = all[bestBaseline]
      for index in all.indices {
        all[index].ratio = all[index].final.mean / best.final.mean
        if index != bestBaseline {
          all[index].winRate = Statistics.winRate(of: all[index].finals, against: best.finals)
        }
        let goal = best.final.mean
        if goal.isFinite, let step = all[index].steps.firstIndex(where: { $0.mean <= goal }) {
          all[index].reach = Standing.Reach(
            step: step, seconds: Double(step) * all[index].secondsPerStep)
        }
      }
    }
    self.all = all
  }
}
