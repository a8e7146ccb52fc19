import Comparison
import Foundation
import LearnedOptimizers
import Tensors
import Testing
import Unrolling

@Suite("schedules of learning rates")
struct RateScheduleTests {
  @Test("factors are optax's")
  func factors() throws {
    for fixture in try EvaluationFixture.load().schedules {
      let form = try #require(RateSchedule.Form(rawValue: fixture.form))
      let schedule = RateSchedule(form, warmup: fixture.warmup)
      for (step, expected) in fixture.factors.enumerated() {
        let found = schedule.factor(step: step, of: fixture.steps)
        // optax computes in float32, near 1 to 1e-7.
        #expect(
          abs(found - expected) < 5e-7, "\(schedule.text), step \(step) of \(fixture.steps)")
      }
    }
  }

  @Test("baselines with schedules, momentum and weight decay end where optax's do")
  func trajectories() throws {
    for fixture in try EvaluationFixture.load().trajectories {
      let baseline = try #require(Baseline.standard.first { $0.name == fixture.optimizer })
      let schedule = try #require(RateSchedule(text: fixture.schedule))
      let nets = baseline.nets(
        Hyperparameters(
          rate: fixture.rate, momentum: fixture.momentum, weightDecay: fixture.weightDecay,
          schedule: schedule))
      let engine = nets.nets[0].optimizer.makeEngine()
      engine.load(nets.weights[0])
      var state = engine.initialState(of: [[3]])
      var x = Tensor([0, 0, 0] as [Float])
      for _ in 0..<fixture.steps {
        let e = x.elements
        let gradient = Tensor([e[0] - 1, 4 * (e[1] + 2), 0.25 * (e[2] - 3)] as [Float])
        engine.apply(
          StepInput(gradient: gradient, parameters: x, loss: 0, count: fixture.steps),
          state: &state, to: &x, at: 0)
      }
      for (found, expected) in zip(x.elements, fixture.final) {
        // Twenty steps of float32 near 1; Lion's signs don't flip here.
        #expect(abs(found - expected) < 2e-5, "\(fixture.optimizer): \(x.elements)")
      }
    }
  }

  @Test("a schedule's engine does what its rule says, and is the rule itself where the rate stays")
  func engine() {
    let rule = AdamW(learningRate: 0.1).scheduled(RateSchedule(.cosine, warmup: 0.5))
    #expect(rule.inputs.contains(.progress) && rule.inputs.contains(.parameter))
    let (fast, slow) = (rule.makeEngine(), TensorEngine(rule))
    var states = [fast.initialState(of: [[2]]), slow.initialState(of: [[2]])]
    for step in 0..<6 {
      let input = StepInput(
        gradient: Tensor([1, -2 + Float(step)] as [Float]),
        parameters: Tensor([0.5, 2] as [Float]), loss: 1, count: 6)
      let updates = [
        fast.step(input, state: &states[0]).elements, slow.step(input, state: &states[1]).elements,
      ]
      #expect(updates[0] == updates[1], "step \(step)")
      #expect((updates[0] == [0, 0]) == (step == 0), "the warm-up starts at 0")
    }
    #expect(type(of: Lion().scheduled(.constant)).name == Lion.name)
  }

  @Test("a schedule's text reads back", arguments: ["constant", "cosine+0.05", "inverse-root"])
  func text(text: String) {
    #expect(RateSchedule(text: text)?.text == text)
    for wrong in ["", "cosine+", "cosine+2", "cosine+x", "cos", "cosine+0.1+0.1"] {
      #expect(RateSchedule(text: wrong) == nil)
    }
  }
}

@Suite("a search over hyperparameters")
struct HyperparameterSearchTests {
  @Test("where the rate alone is tuned, it is the search of the grid")
  func grid() {
    var search = HyperparameterSearch(.rate, trials: 13, seed: 1)
    var rates = LearningRateSearch(trials: 13)
    func loss(_ rate: Float) -> Double { abs(Double(rate) - 0.07) }
    while let upcoming = search.upcoming { search.record(loss(upcoming.rate)) }
    while rates.step({ loss($0) }) {}
    #expect(search.trials.map(\.hyperparameters.rate) == rates.trials.map(\.rate))
    #expect(search.best?.loss == rates.best?.loss)
    #expect(search.trials.allSatisfy { $0.hyperparameters.schedule == .constant })
  }

  private typealias Loss = (Hyperparameters) -> Double

  private func trials(
    _ dimensions: Hyperparameters.Dimensions, count: Int = 60, seed: UInt64 = 1, _ loss: Loss
  ) -> [Hyperparameters] {
    var search = HyperparameterSearch(dimensions, trials: count, seed: seed)
    while let upcoming = search.upcoming { search.record(loss(upcoming)) }
    return search.trials.map(\.hyperparameters)
  }

  private let everything: Hyperparameters.Dimensions = [.rate, .momentum, .weightDecay, .schedule]

  @Test(
    "decades first, nearby rates, then steps from the best, of all that is looked for and nothing else"
  )
  func steps() {
    let all = trials(everything) { abs(log10(Double($0.rate)) + 1.6) }
    #expect(all.count == 60)
    #expect(all.prefix(6).map(\.rate) == [1e-2, 1e-1, 1e-3, 1, 1e-4, 10])
    #expect(
      all.prefix(6).allSatisfy {
        $0.momentum == nil && $0.weightDecay == nil && $0.schedule == RateSchedule(.cosine)
      })
    // The best decade is 1e-2: half a decade beside it, then a quarter beside the best of these.
    let nearby = all[6..<10]
    #expect(nearby.allSatisfy { $0.momentum == nil && $0.schedule == RateSchedule(.cosine) })
    for (trial, exponent) in zip(nearby, [-1.5, -2.5, -1.25, -1.75]) {
      #expect(abs(log10(Double(trial.rate)) - exponent) < 1e-5)
    }
    // The loss follows the rate alone: what is tried stays near its best.
    var best = pow(10, -1.5)
    for step in all.dropFirst(10) {
      #expect(abs(log10(Double(step.rate) / best)) < 0.501)
      if abs(log10(Double(step.rate)) + 1.6) < abs(log10(best) + 1.6) { best = Double(step.rate) }
      #expect(step.momentum.map { (0.5...0.995).contains($0) } ?? true)
      #expect(step.weightDecay.map { (1e-5...1).contains($0) } ?? true)
    }
    #expect(abs(log10(best) + 1.6) < 0.05)
    #expect(Set(all.map(\.schedule.form)).count == RateSchedule.Form.allCases.count)
    #expect(Set(all.map { $0.schedule.warmup > 0 }).count == 2)
    let some = trials([.rate, .schedule]) { abs(log10(Double($0.rate)) + 1.6) }
    #expect(some.map(\.rate) == all.map(\.rate) && some.map(\.schedule) == all.map(\.schedule))
    #expect(some.allSatisfy { $0.momentum == nil && $0.weightDecay == nil })
  }

  @Test("what does better is kept, and a seed always gives the same")
  func climbs() {
    // Best at a momentum of 0.9, a decaying rate of 0.3 and a decay of 0.01.
    func loss(_ trial: Hyperparameters) -> Double {
      abs(log10(Double(trial.rate) / 0.3)) + 3 * abs((trial.momentum ?? 0) - 0.9)
        + abs(log10(Double(trial.weightDecay ?? 1e-5) / 0.01)) / 4
        + (trial.schedule.form == .cosine ? 0 : 1)
    }
    for seed in 1...5 {
      let found = trials(everything, count: 40, seed: UInt64(seed), loss)
      #expect(found == trials(everything, count: 40, seed: UInt64(seed), loss))
      #expect(found != trials(everything, count: 40, seed: 100, loss))
      let best = found.map(loss).min() ?? .infinity
      #expect(best < 0.6, "\(best) by seed \(seed)")
    }
  }

  @Test("few trials are halved between decades and steps", arguments: [(1, 1), (4, 2), (11, 6)])
  func few(count: Int, decades: Int) {
    let found = trials([.rate, .momentum], count: count) { _ in 1 }
    #expect(found.count == count)
    #expect(
      found.prefix(decades).map(\.rate) == Array([1e-2, 1e-1, 1e-3, 1, 1e-4, 10].prefix(decades)))
    // Of equal ones the smallest rate is gone on from.
    let smallest = found.prefix(decades).map(\.rate).min() ?? 0
    #expect(found.dropFirst(decades).allSatisfy { $0.rate < 10 * smallest })
  }

  @Test("the smallest loss wins, NaN loses, equal losses go to the smaller rate")
  func best() {
    var search = HyperparameterSearch([.rate, .momentum], trials: 3, seed: 0)
    for loss in [Double.nan, 2, 2] { search.record(loss) }
    search.record(0)
    #expect(search.trials.count == 3 && search.trials[0].loss == .infinity)
    let rates = search.trials.map(\.hyperparameters.rate)
    #expect(search.best?.hyperparameters.rate == min(rates[1], rates[2]))
  }
}
