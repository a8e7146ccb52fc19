import Comparison
import Testing

@Suite("statistics over tasks and seeds")
struct RobustStatisticsTests {
  // Sums in another order than NumPy's.
  private func expectClose(
    _ found: Double, _ expected: Double, _ what: Comment = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      abs(found - expected) <= 1e-12 * max(abs(expected), 1), what,
      sourceLocation: sourceLocation)
  }

  @Test("interquartile means, intervals and profiles are rliable's, given its draws")
  func rliable() throws {
    for fixture in try EvaluationFixture.load().statistics {
      let values = fixture.scores.flatMap(\.self)
      expectClose(Statistics.interquartileMean(values), fixture.iqm)
      let shares = Statistics.shares(of: values, above: fixture.taus)
      #expect(shares == fixture.profile)
      let intervals = StratifiedBootstrap(seed: fixture.seed).intervals(of: fixture.scores) {
        [Statistics.interquartileMean($0)] + Statistics.shares(of: $0, above: fixture.taus)
      }
      expectClose(intervals[0].low, fixture.interval[0], "\(fixture.scores.count) tasks")
      expectClose(intervals[0].high, fixture.interval[1], "\(fixture.scores.count) tasks")
      for index in fixture.taus.indices {
        expectClose(intervals[1 + index].low, fixture.profileLow[index])
        expectClose(intervals[1 + index].high, fixture.profileHigh[index])
      }
      // rliable's own draws: quantiles of 2,000 vary by a few hundredths of the interval's length.
      let length = fixture.interval[1] - fixture.interval[0]
      #expect(abs(intervals[0].low - fixture.intervalWithNumpy[0]) <= 0.1 * length)
      #expect(abs(intervals[0].high - fixture.intervalWithNumpy[1]) <= 0.1 * length)
    }
  }

  @Test("the interquartile mean leaves out a quarter at each end")
  func quarter() {
    #expect(Statistics.interquartileMean([100, 1, 2, -50]) == 1.5)
    #expect(Statistics.interquartileMean([3, 1, 2]) == 2)
    #expect(Statistics.interquartileMean([.infinity, 1, 2, 3]) == 2.5)
    #expect(Statistics.interquartileMean([]).isNaN)
  }

  @Test("resamples draw from each task's own runs")
  func strata() {
    let bootstrap = StratifiedBootstrap(seed: 3)
    // Tasks that don't vary leave nothing to vary.
    let same = bootstrap.intervals(of: [[1, 1], [5, 5, 5], []]) {
      [$0.reduce(0, +), Double($0.count)]
    }
    #expect(same == [Interval(low: 17, high: 17), Interval(low: 5, high: 5)])
    #expect(bootstrap.intervals(of: [[], []]) { [$0.reduce(0, +)] }[0].low.isNaN)
    let table = [[1.0, 2, 3], [10, 20, 30]]
    let first = bootstrap.intervals(of: table) { [$0.reduce(0, +)] }
    #expect(first == bootstrap.intervals(of: table) { [$0.reduce(0, +)] })
    let irregular = [[1.0, 2, 4, 8, 16, 32, 64], [0.1, 0.3, 0.9, 2.7, 8.1, 24.3, 72.9]]
    #expect(
      bootstrap.intervals(of: irregular) { [$0.reduce(0, +)] }
        != StratifiedBootstrap(seed: 4).intervals(of: irregular) { [$0.reduce(0, +)] })
    #expect(first[0].low >= 33 && first[0].high <= 99 && first[0].low < first[0].high)
  }
}

@Suite("loss curves")
struct LossCurveTests {
  private func curve(_ losses: [Double]) -> LossCurve {
    LossCurve(steps: losses.indices.map { Double($0) * 10 }, losses: losses)
  }

  @Test("a loss is reached where the line to it first comes down")
  func reaching() {
    let curve = curve([8, 4, 6, 2])
    #expect(curve.step(reaching: 8) == 0 && curve.step(reaching: 9) == 0)
    #expect(curve.step(reaching: 6) == 5)
    #expect(curve.step(reaching: 4) == 10)
    #expect(curve.step(reaching: 3) == 27.5)
    #expect(curve.step(reaching: 1) == nil)
    #expect(curve.final == 2 && curve.length == 30)
  }

  @Test("a speedup compares the steps to the larger final loss, both ways")
  func speedup() throws {
    let baseline = curve([8, 6, 4, 2])
    let faster = curve([8, 2, 1, 1])
    let slower = curve([8, 7, 6, 5])
    #expect(faster.speedup(over: baseline) == 3)
    #expect(baseline.speedup(over: faster).map { abs($0 - 1 / 3) < 1e-12 } == true)
    #expect(slower.speedup(over: baseline) == 0.5)
    #expect(baseline.speedup(over: baseline) == 1)
    #expect(curve([8, 9, 9, 9]).speedup(over: baseline) == 0)
    #expect(curve([8, 1, .infinity, .infinity]).speedup(over: baseline) == 0)
    #expect(baseline.speedup(over: curve([8, 4, .infinity, .infinity])) == nil)
    #expect(baseline.speedup(over: curve([8, 8, 8, 8])) == nil)
  }

  @Test("progress is a part of the baseline's descent, a ratio of its final loss")
  func progress() {
    let baseline = curve([8, 4])
    #expect(curve([8, 2]).progress(over: baseline) == 1.5)
    #expect(curve([8, 6]).progress(over: baseline) == 0.5)
    #expect(curve([8, 10]).progress(over: baseline) == 0)
    #expect(curve([8, .infinity]).progress(over: baseline) == 0)
    #expect(baseline.progress(over: curve([8, 8])) == nil)
    #expect(curve([8, 2]).ratio(over: baseline) == 2)
    #expect(curve([8, .infinity]).ratio(over: baseline) == 0)
    #expect(curve([8, -1]).ratio(over: baseline) == nil)
    #expect(baseline.ratio(over: curve([8, -1])) == nil)
  }
}
