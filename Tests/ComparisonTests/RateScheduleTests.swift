import Comparison
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

  @Test("draws depend on seed and trial alone, whatever else is tuned, and stay in their ranges")
  func draws() {
    func trials(_ dimensions: Hyperparameters.Dimensions, seed: UInt64) -> [Hyperparameters] {
      var search = HyperparameterSearch(dimensions, trials: 200, seed: seed)
      while search.upcoming != nil { search.record(1) }
      return search.trials.map(\.hyperparameters)
    }
    let all = trials([.rate, .momentum, .weightDecay, .schedule], seed: 1)
    #expect(all.count == 200)
    #expect(all == trials([.rate, .momentum, .weightDecay, .schedule], seed: 1))
    #expect(all != trials([.rate, .momentum, .weightDecay, .schedule], seed: 2))
    let some = trials([.rate, .schedule], seed: 1)
    #expect(some.map(\.rate) == all.map(\.rate) && some.map(\.schedule) == all.map(\.schedule))
    #expect(some.allSatisfy { $0.momentum == nil && $0.weightDecay == nil })
    for draw in all {
      #expect((1e-5...10).contains(draw.rate))
      #expect(draw.momentum.map { (0.5...0.995).contains($0) } == true)
      #expect(draw.weightDecay.map { (1e-5...1).contains($0) } == true)
    }
    #expect(Set(all.map(\.schedule.form)).count == RateSchedule.Form.allCases.count)
    // As many in each decade: 200 draws in six.
    let low = all.count { $0.rate < 0.01 }
    #expect((70...130).contains(low), "\(low) of 200 below the middle")
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
