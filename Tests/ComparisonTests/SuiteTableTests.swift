import Comparison
import Tensors
import Testing

@Suite("the table of a suite")
struct SuiteTableTests {
  private func curve(_ losses: [Double]) -> LossCurve {
    LossCurve(steps: losses.indices.map { Double($0) * 10 }, losses: losses)
  }

  private func table(_ curves: [[[LossCurve]]], envelopes: [String: LossCurve] = [:]) -> SuiteTable
  {
    SuiteTable(
      horizon: 1, tasks: curves.indices.map { "t\($0)" }, entrants: ["learned", "a", "b"],
      isBaseline: [false, true, true], curves: curves, envelopes: envelopes, seed: 0)
  }

  @Test("each task is measured by its best baseline: fewest divergences, then the smallest mean")
  func reference() {
    let table = table([
      [[curve([4, 1])], [curve([4, 2])], [curve([4, 3])]],
      [
        [curve([4, 1]), curve([4, 1])], [curve([4, 0.1]), curve([4, .infinity])],
        [curve([4, 3]), curve([4, 3])],
      ],
    ])
    #expect(table.references == [1, 2])
    #expect(table.scores[0][0][0].metrics[.ratio] == 2)
    #expect(table.scores[1][0].map { $0.metrics[.progress] } == [3, 3])
    #expect(table.scores[0][1][0].win == nil && table.scores[0][2][0].win == 0)
    let learned = table.summaries[0]
    #expect(learned.winRate == 1 && learned.divergedCount == 0 && learned.runCount == 3)
    #expect(table.summaries[1].divergedCount == 1)
    #expect(table.summaries[1].means[.speedup]?.count == 3)
  }

  @Test("a duel is what the summary says where there is one baseline alone")
  func duels() throws {
    var stream = RandomStream(seed: 3, purpose: .test)
    func runs() -> [LossCurve] {
      (0..<4).map { _ in
        curve([8] + (0..<5).map { Double(6 - $0) * Double(stream.nextUniform()) })
      }
    }
    let curves = (0..<3).map { _ in [runs(), runs(), runs()] }
    let both = table(curves)
    #expect(both.duels.map(\.entrant) == [0, 0] && both.duels.map(\.baseline) == [1, 2])
    for duel in both.duels {
      let alone = SuiteTable(
        horizon: 1, tasks: ["t0", "t1", "t2"], entrants: ["learned", "x"],
        isBaseline: [false, true], curves: curves.map { [$0[0], $0[duel.baseline]] }, seed: 0)
      #expect(duel.speedup == alone.summaries[0].means[.speedup])
      #expect(duel.winRate == alone.summaries[0].winRate)
    }
    // A baseline that never descends is worth nothing, but can be won against.
    let flat = table([[[curve([4, 3])], [curve([4, 5])], [curve([4, 2])]]]).duels
    #expect(flat[0].speedup == nil && flat[0].winRate == 1)
    #expect(flat[1].winRate == 0)
  }

  @Test("a summary is the interquartile mean and the profile of all runs' scores")
  func summary() throws {
    let table = table(
      (1...4).map { task in
        let runs = (1...3).map { seed in curve([8, Double(task) + Double(seed) / 10, 0.5]) }
        let baseline = (1...3).map { _ in curve([8, 5, 1]) }
        return [runs, baseline, baseline.map { _ in curve([8, 7, 6]) }]
      })
    for (entrant, summary) in table.summaries.enumerated() {
      for metric in [SuiteMetric.speedup, .progress, .ratio] {
        let scores = table.scores.map { $0[entrant].compactMap { $0.metrics[metric] } }
        let estimate = try #require(summary.means[metric])
        #expect(estimate.value == Statistics.interquartileMean(scores.flatMap(\.self)))
        #expect(
          estimate.interval
            == StratifiedBootstrap(seed: 0).intervals(of: scores) {
              [Statistics.interquartileMean($0)]
            }[0])
        guard let thresholds = SuiteTable.thresholds(metric) else { continue }
        #expect(
          summary.profiles[metric]?.map(\.value)
            == Statistics.shares(of: scores.flatMap(\.self), above: thresholds))
      }
    }
    #expect(table.summaries[1].means[.speedup]?.value == 1)
  }

  @Test("losses below 0 have no ratios, but speedups and progress")
  func negative() {
    let table = table([[[curve([4, -3])], [curve([4, -2])], [curve([4, 3])]]])
    #expect(table.summaries[0].means[.ratio] == nil)
    #expect(table.summaries[0].means[.progress]?.value == 7.0 / 6)
    #expect((table.summaries[0].means[.speedup]?.value ?? 0) > 1)
  }

  @Test("an envelope says at which step a loss is worth")
  func envelope() {
    let envelope = LossCurve(steps: [0, 100, 200], losses: [4, 2, 1])
    let table = table(
      [[[curve([4, 1.5])], [curve([4, 3])], [curve([4, 0.5])]]], envelopes: ["t0": envelope])
    let found = table.scores[0].map { $0[0].metrics[.envelope] }
    #expect(found == [15, 5, 20])
  }

  @Test("thresholds of profiles are those that they say")
  func thresholds() throws {
    let speedups = try #require(SuiteTable.thresholds(.speedup))
    #expect(speedups.count == 41 && speedups[0] == 0.1)
    #expect(abs(speedups[20] - 1) < 1e-12 && abs(speedups[40] - 10) < 1e-10)
    #expect(SuiteTable.thresholds(.progress)?.last == 1.5)
  }
}
