import Comparison
import Testing
import Unrolling

@Suite("standings")
struct StandingsTests {
  private static let inf = Float.infinity

  private func standings(
    _ losses: [(label: String, isLearned: Bool, curves: [[Float]])], secondsPerRun: Double = 1
  ) -> Standings {
    let contenders = losses.map {
      Contender(
        label: $0.label,
        rule: $0.isLearned
          ? .learned(TrainedNets(nets: [], weights: [])) : .baseline(Baseline.standard[1], rate: 1))
    }
    let nothing = [Float?](repeating: nil, count: losses.count)
    return Standings(
      contenders, rates: nothing, searches: losses.map { _ in nil },
      runs: losses.map { entry in
        entry.curves.map { curve in
          let finite = curve.count { $0.isFinite }
          return ContestRun(
            losses: curve, steps: min(finite, curve.count - 1), seconds: secondsPerRun)
        }
      }, seed: 0)
  }

  @Test("figures of a handful of runs, by hand")
  func byHand() throws {
    let all = standings([
      ("net", true, [[8, 2, 1], [8, 4, 3]]), ("a", false, [[8, 4, 2], [8, 5, 4]]),
      ("b", false, [[8, 9, 9], [8, 9, 9]]),
    ])
    #expect(all.bestBaseline == 1)
    let net = all.all[0]
    #expect(net.final.mean == 2 && net.final.median == 2)
    #expect(abs(net.final.lowDecile - 1.2) < 1e-12 && abs(net.final.highDecile - 2.8) < 1e-12)
    #expect(net.final.interval == Interval(low: 1, high: 3))
    #expect(net.area == ((8 + 1) / 2.0 + 2 + (8 + 3) / 2.0 + 4) / 2 / 2)
    #expect(net.winRate == 1 && net.ratio == 2.0 / 3)
    #expect(net.secondsPerStep == 0.5)
    // The baseline's final mean is 3, the net's means are 8, 3, 2.
    #expect(net.reach == Standing.Reach(step: 1, seconds: 0.5))
    #expect(all.all[1].reach?.step == 2 && all.all[1].winRate == nil && all.all[1].ratio == 1)
    #expect(all.all[2].reach == nil && all.all[2].winRate == 0)
  }

  @Test("diverged runs are counted, lose, and are infinite in quantiles")
  func diverged() throws {
    let inf = Self.inf
    let all = standings([
      ("net", true, [[8, inf, inf], [8, 4, inf], [8, 4, 1], [8, 4, 1]]),
      ("a", false, [[8, 4, 2], [8, 4, 2], [8, 4, 2], [8, 4, 2]]),
      ("b", false, [[8, 1, 0], [8, 1, 0], [8, 1, 0], [8, inf, inf]]),
    ])
    #expect(all.bestBaseline == 1, "one that diverges is not the best baseline")
    let net = all.all[0]
    #expect(net.diverged == 2 && net.steps.map(\.finite) == [4, 3, 2])
    #expect(net.final.mean == 1 && net.final.median == .infinity)
    #expect(net.winRate == 0.5)
    #expect(net.steps[1].interval == Interval(low: 4, high: 4))
    #expect(net.final.interval == Interval(low: 1, high: 1))
  }

  @Test("a contender of which nothing is left has infinite figures and no time")
  func nothingLeft() {
    let inf = Self.inf
    let all = standings([("a", false, [[inf, inf]]), ("b", false, [[inf, inf]])])
    #expect(all.bestBaseline == 0)
    #expect(all.all[0].final.mean == .infinity && all.all[0].area == .infinity)
    #expect(all.all[0].secondsPerStep.isNaN && all.all[0].reach == nil)
    #expect(all.all[1].winRate == 0.5)
  }

  @Test("the interval of a step is that of its losses alone, divergences or not")
  func intervals() {
    var stream: UInt64 = 1
    func next() -> Float {
      stream = stream &* 6_364_136_223_846_793_005 &+ 1
      return Float(stream >> 40) / 1e6
    }
    // More steps than are worked out at a time.
    let curves = (0..<12).map { run in
      (0..<600).map { step in run < 3 && step > 250 * run + 1 ? Self.inf : next() }
    }
    let standing = standings([("a", false, curves)]).all[0]
    for step in [0, 1, 2, 3, 251, 252, 501, 502, 511, 512, 513, 599] {
      let alone = Bootstrap(seed: 0).interval(curves.map { Double($0[step]) })
      #expect(standing.steps[step].interval == alone)
    }
  }
}
