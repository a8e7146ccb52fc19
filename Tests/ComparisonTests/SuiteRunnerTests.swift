import Catalogs
import Comparison
import Datasets
import LearnedOptimizers
import Problems
import ProcessGroups
import TestSupport
import Testing
import Unrolling

@Suite("running a suite")
struct SuiteRunnerTests {
  static let tasks: [SuiteTask] = [
    task("bowl", "conditioned-quadratic", ["num_dims": "4", "condition": "10"], steps: 12),
    task("valley", "rosenbrock", [:], steps: 20),
    task(
      "family", "perceptrons", ["depths": "0,1", "widths": "2,4", "batch_sizes": "2,4"], steps: 4),
  ]

  private static func task(
    _ name: String, _ problem: String, _ options: [String: String], steps: Int
  ) -> SuiteTask {
    func assignments(_ split: DatasetSplit) -> [TaskAssignment] {
      // The catalog's own problems build from data in the program; without tasks all tests fail.
      let built = try? Catalog.standard.problem(named: problem).make(
        options: options, data: ProblemData(split: split, directory: "synthetic"))
      return built.map { $0.tasks.map { TaskAssignment(name, $0.family) } } ?? []
    }
    return SuiteTask(
      name: name, stepCount: steps, measured: assignments(.test), tuning: assignments(.train),
      hash: 1)
  }

  static let entrants: [Entrant] =
    Baseline.standard.prefix(3).map { baseline in
      Entrant(
        label: baseline.name, isBaseline: true, dimensions: .rate, hash: 2
      ) { baseline.nets($0 ?? Hyperparameters(rate: 0)) }
    } + [
      Entrant(label: "scheduled", isBaseline: false, dimensions: [.rate, .schedule], hash: 3) {
        Baseline.standard[0].nets(
          Hyperparameters(rate: $0?.rate ?? 0, schedule: RateSchedule(.cosine)))
      }
    ]

  static var settings: SuiteSettings {
    var settings = SuiteSettings()
    settings.seedCount = 2
    settings.trialCount = 11
    settings.horizons = [1, 2]
    settings.batchCount = 2
    settings.pointCount = 5
    settings.seed = 9
    return settings
  }

  static func results(
    group: any ProcessGroup, known: [SuiteResult] = [], settings: SuiteSettings = settings,
    stopAfter limit: Int = .max
  ) throws -> [SuiteResult] {
    var all = known
    var asked = 0
    let runner = SuiteRunner(
      tasks: tasks, entrants: entrants, settings: settings, group: group,
      shouldStop: {
        asked += 1
        return asked > limit
      })
    do {
      try runner.run(known: known, record: { all += $0 })
    } catch ContestError.stopped {
      guard limit < .max else { throw ContestError.stopped }
    }
    return all
  }

  /// Results without times, in an order of their own.
  static func numbers(_ results: [SuiteResult]) -> [String] {
    results.map { "\($0.unit) \(String(describing: $0.hyperparameters)) \($0.runs.map(\.losses))" }
      .sorted()
  }

  @Test("every unit is done once, trials before the result, which has the best trial's rate")
  func units() throws {
    let results = try Self.results(group: SoleProcess())
    let byUnit = Dictionary(grouping: results, by: \.unit)
    #expect(byUnit.values.allSatisfy { $0.count == 1 })
    // Two horizons, three tasks, four optimizers: 11 trials and the result; one is told two shares.
    #expect(results.count == 2 * 3 * (4 * 12 + 2))
    for final in results where final.unit.purpose == .final {
      let unit = final.unit
      let trials = (0..<11).compactMap { number in
        byUnit[
          SuiteUnit(
            task: unit.task, horizon: unit.horizon, entrant: unit.entrant, purpose: .trial(number))]?
          .first
      }
      try #require(trials.count == 11)
      #expect(trials.allSatisfy { $0.runs.count == 2 && $0.runs[0].losses.count == 1 })
      let best = trials.min { $0.mean < $1.mean }
      #expect(trials.first { $0.hyperparameters == final.hyperparameters }?.mean == best?.mean)
      let steps = Self.tasks.first { $0.name == unit.task }.map { $0.stepCount * unit.horizon } ?? 0
      #expect(final.runs.count == 2)
      for run in final.runs {
        #expect(run.losses.count == Self.settings.points(of: steps).count)
        #expect(run.steps == steps || run.losses.last == .some(nil))
      }
    }
    // All optimizers start at the same losses.
    for task in Self.tasks {
      let starts = results.filter { $0.unit.purpose == .final && $0.unit.task == task.name }
        .map { $0.runs.map { $0.losses.first } }
      #expect(starts.allSatisfy { $0 == starts[0] })
      #expect(starts[0][0] != starts[0][1], "optimizees differ")
    }
  }

  @Test("results don't depend on the number of processes", arguments: [2, 3, 5])
  func processes(count: Int) throws {
    let alone = Self.numbers(try Self.results(group: SoleProcess()))
    let shared = FakeGroup.run(ranks: count) { group in
      try Self.results(group: group)
    }
    let first = try #require(shared.first).get()
    #expect(Self.numbers(first) == alone)
    for other in shared.dropFirst() { #expect(try other.get().isEmpty, "rank 0 alone keeps them") }
  }

  @Test(
    "a run that is stopped goes on from what is done, to the same results",
    arguments: [0, 1, 100, 1000, 3000])
  func resuming(steps: Int) throws {
    let whole = Self.numbers(try Self.results(group: SoleProcess()))
    let part = try Self.results(group: SoleProcess(), stopAfter: steps)
    #expect(part.count < whole.count)
    let rest = try Self.results(group: SoleProcess(), known: part)
    #expect(Self.numbers(rest) == whole)
    #expect(Array(rest.prefix(part.count)) == part, "nothing is done again")
  }

  @Test("results of other hyperparameters than the search's are not gone on from")
  func foreign() throws {
    var settings = Self.settings
    settings.horizons = [1]
    let whole = try Self.results(group: SoleProcess(), settings: settings)
    let changed = whole.map { result in
      SuiteResult(
        result.unit, hyperparameters: result.hyperparameters.map { _ in Hyperparameters(rate: 7) },
        runs: result.runs)
    }
    let rest = try Self.results(group: SoleProcess(), known: changed, settings: settings)
    #expect(Self.numbers(Array(rest.dropFirst(changed.count))) == Self.numbers(whole))
  }

  @Test("an optimizer that can't step a task is named before any work")
  func check() throws {
    let unfit = Entrant(label: "unfit", isBaseline: false, dimensions: [], hash: 0) { _ in
      let nets = Baseline.standard[0].nets(learningRate: 1)
      return TrainedNets(nets: nets.nets + nets.nets, weights: nets.weights + nets.weights)
    }
    let runner = SuiteRunner(
      tasks: Self.tasks, entrants: Self.entrants + [unfit], settings: Self.settings,
      group: SoleProcess())
    struct Named: Error, Equatable {
      let entrant: String
      let task: String
    }
    #expect(throws: Named(entrant: "unfit", task: "bowl")) {
      try runner.check { entrant, task, _ in Named(entrant: entrant.label, task: task.name) }
    }
  }
}
