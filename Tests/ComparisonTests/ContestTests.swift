import Catalogs
import Comparison
import Datasets
import LearnedOptimizers
import Problems
import ProcessGroups
import Tensors
import Testing
import Unrolling

@Suite("a contest")
struct ContestTests {
  private func problem() throws -> any Problem {
    try Catalog.standard.problem(named: "quadratic").make(
      options: ["batch_size": "2", "num_dims": "3"], data: ProblemData(split: .test)
    ).problem
  }

  private func settings(epochs: Int = 3, steps: Int = 5, trials: Int = 13) -> ContestSettings {
    var settings = ContestSettings()
    settings.epochCount = epochs
    settings.stepCount = steps
    settings.seed = 4
    settings.tuningEpochs = 2
    settings.tuningTrials = trials
    return settings
  }

  private func baseline(_ name: String) throws -> Baseline {
    try #require(Baseline.standard.first { $0.name == name })
  }

  private func contenders() throws -> [Contender] {
    let nets = try Catalog.standard.problem(named: "quadratic").nets.map {
      try $0.assignment(from: Catalog.standard.optimizers)
    }
    let weights = try Experiment(problem: problem(), nets: nets).initialWeights(seed: 0)
    let trained = TrainedNets(nets: nets, weights: weights)
    return [Contender(label: "net", rule: .learned(trained))]
      + Baseline.standard.map { Contender(label: $0.name, rule: .baseline($0, rate: 0.01)) }
  }

  @Test("each contender's losses are those that evaluating it alone gives")
  func sameAsEvaluation() throws {
    let contenders = try contenders()
    let problem = try problem()
    let contest = Contest(contenders, settings: settings(), group: SoleProcess())
    let measured = try contest.measure(on: problem, rates: contenders.map { _ in nil })
    let runs = try #require(measured)
    #expect(runs.count == 1 + Baseline.standard.count)
    for (contender, runs) in zip(contenders, runs) {
      let nets: TrainedNets =
        switch contender.rule {
        case .learned(let nets): nets
        case .baseline(let baseline, let rate):
          baseline.nets(learningRate: rate ?? 0)
        }
      let evaluation = try Unroller(
        try Experiment(problem: problem, nets: nets.nets), weights: nets.weights
      ).evaluate(
        epochs: 3, stepCount: 5, unrollLength: 5, seed: 4, phase: .test, group: SoleProcess(),
        curves: true)
      #expect(runs.map(\.losses) == evaluation.curves, "\(contender.label)")
      #expect(runs.allSatisfy { $0.steps == 5 && $0.seconds > 0 })
    }
    let starts = Set(runs.map { $0.map(\.losses[0]) })
    #expect(starts.count == 1, "all start from the same losses")
    #expect(Set(runs[0].map(\.losses[0])).count == 3, "optimizees differ")
    #expect(Set(runs.map { $0[0].losses[5] }).count == runs.count)
  }

  @Test("tuning finds the rate that evaluations on the tuning optimizees prefer")
  func tuning() throws {
    let problem = try problem()
    let tuned = [
      Contender(label: "SGD", rule: .baseline(try baseline("SGD"), rate: nil)),
      Contender(label: "fixed", rule: .baseline(try baseline("Adam"), rate: 0.5)),
      Contender(label: "Adam", rule: .baseline(try baseline("Adam"), rate: nil)),
    ]
    var calls: [Int] = []
    let searches = try Contest(tuned, settings: settings(), group: SoleProcess())
      .tune(on: problem) { done, count in
        calls.append(done)
        #expect(count == 26)
      }
    #expect(calls == Array(1...26))
    #expect(searches[1] == nil)
    for (contender, search) in zip(tuned, searches) where contender.needsTuning {
      let search = try #require(search)
      #expect(search.trials.count == 13)
      for trial in search.trials {
        let nets = try baseline(contender.label).nets(learningRate: trial.rate)
        let unroller = Unroller(
          try Experiment(problem: problem, nets: nets.nets), weights: nets.weights)
        func mean(_ phase: OptimizeePhase) throws -> Double {
          try unroller.evaluate(
            epochs: 2, stepCount: 5, unrollLength: 5, seed: 4, phase: phase, group: SoleProcess()
          ).mean
        }
        #expect(try mean(.tuning) == trial.loss)
        for other in [OptimizeePhase.training, .validation, .test] where trial.loss.isFinite {
          #expect(try mean(other) != trial.loss, "tuning shares no optimizee with \(other)")
        }
      }
    }
  }

  @Test("a run that diverges is infinite from there on, in tuning too")
  func divergence() throws {
    let wild = [Contender(label: "SGD", rule: .baseline(try baseline("SGD"), rate: 1e20))]
    let contest = Contest(wild, settings: settings(), group: SoleProcess())
    let runs = try #require(try contest.measure(on: try problem(), rates: [nil]))[0]
    for run in runs {
      #expect(run.losses.count == 6 && run.losses[0].isFinite && run.losses[5] == .infinity)
      #expect(run.losses.count { $0.isFinite } == run.steps)
    }
    let long = settings(steps: 40, trials: 11)
    let searches = try Contest(
      [Contender(label: "SGD", rule: .baseline(try baseline("SGD"), rate: nil))], settings: long,
      group: SoleProcess()
    ).tune(on: try problem())
    let search = try #require(searches[0])
    #expect(search.trials.last?.loss == .infinity)
    #expect(search.best?.loss.isFinite == true)
  }

  @Test("a stop ends tuning and measuring at once")
  func stop() throws {
    for limit in [0, 3, 17] {
      var asked = 0
      let contest = Contest(
        [Contender(label: "SGD", rule: .baseline(try baseline("SGD"), rate: nil))],
        settings: settings(steps: 1_000_000), group: SoleProcess()
      ) {
        asked += 1
        return asked > limit
      }
      let problem = try problem()
      #expect(throws: ContestError.stopped) { try contest.tune(on: problem) }
      asked = 0
      #expect(throws: ContestError.stopped) { try contest.measure(on: problem, rates: [0.1]) }
      #expect(asked < limit + 5)
    }
  }
}
