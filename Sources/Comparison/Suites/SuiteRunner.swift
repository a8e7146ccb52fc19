internal import Essentials
package import ProcessGroups
internal import Unrolling

/// Runs optimizers through a suite's tasks.
///
/// Every process of the group makes the same calls. A chain (an optimizer on a task at a horizon) is
/// worked off by one process; processes that are out of work take over chains that nobody has begun.
/// Who does what, and when, depends on how fast the processes are; the numbers don't, as each follows
/// from the settings, the task and the optimizer alone.
package final class SuiteRunner {
  /// How far a suite is.
  package struct Progress: Equatable, Sendable {
    /// Units done.
    package let done: Int
    /// Units in all, about.
    package let count: Int
  }

  private let tasks: [SuiteTask]
  private let entrants: [Entrant]
  private let settings: SuiteSettings
  private let group: any ProcessGroup
  private let shouldStop: () -> Bool
  private let measurement: SuiteMeasurement

  private var chains: [SuiteChain] = []
  /// The rank that works off each chain.
  private var owners: [Int] = []
  private var hasStopped = false

  /// How long a process works before it tells the others.
  private static let slice = Duration.seconds(1)

  /// A runner.
  ///
  /// - Parameter shouldStop: asked after every step; when any process of the group says yes, all
  ///   throw `ContestError.stopped`.
  package init(
    tasks: [SuiteTask], entrants: [Entrant], settings: SuiteSettings, group: any ProcessGroup,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.tasks = tasks
    self.entrants = entrants
    self.settings = settings
    self.group = group
    self.shouldStop = shouldStop
    measurement = SuiteMeasurement(settings: settings)
  }

  /// Checks that every optimizer can step every task.
  ///
  /// - Parameter failure: makes the error to be thrown of what is wrong with an optimizer on a task.
  package func check(
    _ failure: (_ entrant: Entrant, _ task: SuiteTask, any Error) -> any Error
  ) throws {
    for task in tasks {
      for entrant in entrants {
        do {
          let first = entrant.dimensions.isEmpty ? nil : Hyperparameters(rate: 0.001)
          _ = try Experiment(tasks: task.measured, nets: entrant.nets(first).nets)
        } catch {
          throw failure(entrant, task, error)
        }
      }
    }
  }

  /// Does all units that are not known.
  ///
  /// - Parameters:
  ///   - known: units that are done, the same on all processes.
  ///   - record: called on rank 0 with units as they are done.
  ///   - progress: called on every process now and then.
  /// - Throws: `ContestError.stopped`, and what optimizers, the group and `record` throw.
  package func run(
    known: [SuiteResult], record: ([SuiteResult]) throws -> Void,
    progress: (Progress) -> Void = { _ in }
  ) throws {
    try makeChains(known)
    var partial: (unit: SuiteUnit, runs: [SuiteRun])?
    while true {
      let results = try work(&partial)
      guard try !exchange(results, record) else { throw ContestError.stopped }
      progress(
        Progress(
          done: chains.reduce(0) { $0 + $1.doneCount },
          count: chains.reduce(0) { $0 + $1.unitCount }))
      if chains.allSatisfy({ $0.next == nil }) { return }
      rebalance()
    }
  }

  // MARK: - Chains

  private func makeChains(_ known: [SuiteResult]) throws {
    let known = Dictionary(known.map { ($0.unit, $0) }) { first, _ in first }
    chains = []
    // The longest first: what is left for the end is short.
    for horizon in settings.horizons.sorted(by: >) {
      for (task, each) in tasks.enumerated() {
        for (position, entrant) in entrants.enumerated() {
          var chain = SuiteChain(
            task: (task, each.name), horizon: horizon, entrant: (position, entrant),
            settings: settings)
          try chain.replay(known)
          chains.append(chain)
        }
      }
    }
    owners = chains.indices.map { $0 % group.count }
  }

  /// Gives chains that nobody has begun to processes that have none left; all processes know as much,
  /// so all do the same.
  private func rebalance() {
    func left(_ rank: Int) -> [Int] {
      chains.indices.filter { owners[$0] == rank && chains[$0].next != nil }
    }
    for idle in 0..<group.count where left(idle).isEmpty {
      let queues = (0..<group.count).map(left)
      guard let giver = queues.indices.max(by: { queues[$0].count < queues[$1].count }),
        // The first one is at work.
        queues[giver].count > 1, let last = queues[giver].last
      else { return }
      owners[last] = idle
    }
  }

  // MARK: - Work

  /// Works on this process's chains for a while.
  private func work(
    _ partial: inout (unit: SuiteUnit, runs: [SuiteRun])?
  ) throws -> [SuiteResult] {
    let start = ContinuousClock.now
    var results: [SuiteResult] = []
    // Others hear of them when they are told; this process goes on with its own.
    var local = chains
    for index in local.indices where owners[index] == group.rank {
      while let next = local[index].next {
        let chain = local[index]
        let (task, entrant) = (tasks[chain.task], entrants[chain.entrant])
        let unroller = try measurement.unroller(next.unit, task, entrant, next.hyperparameters)
        var runs = partial?.unit == next.unit ? partial?.runs ?? [] : []
        partial = nil
        while runs.count < measurement.runCount(next.unit) {
          guard
            let run = measurement.run(
              unroller, next.unit, stepCount: task.stepCount * chain.horizon, number: runs.count,
              shouldStop: stopping)
          else { return results }
          runs.append(run)
          if ContinuousClock.now - start > Self.slice { break }
        }
        if runs.count < measurement.runCount(next.unit) {
          partial = (next.unit, runs)
          return results
        }
        let result = SuiteResult(
          next.unit, hyperparameters: next.hyperparameters, runs: runs)
        results.append(result)
        try local[index].take(result)
        if ContinuousClock.now - start > Self.slice { return results }
      }
    }
    return results
  }

  /// Who has been told to stop is not asked again: the answer may be given once.
  private func stopping() -> Bool {
    hasStopped = hasStopped || shouldStop()
    return hasStopped
  }

  // MARK: - Telling

  /// Tells all processes what each has done, and rank 0 to keep it; says whether one was asked to stop.
  private func exchange(
    _ results: [SuiteResult], _ record: ([SuiteResult]) throws -> Void
  ) throws -> Bool {
    let share = try group.gather([UInt8](JSONEncoder().encode(results)))
    var bytes: [UInt8] = []
    if let share {
      let all = try share.flatMap {
        try JSONDecoder().decode([SuiteResult].self, from: Data($0))
      }
      try record(all)
      // Rank by rank; others need no more than what decides how chains go on.
      bytes = [UInt8](try JSONEncoder().encode(all.map(Self.shortened)))
    }
    try group.broadcast(&bytes)
    let all = try JSONDecoder().decode([SuiteResult].self, from: Data(bytes))
    for result in all {
      let index = chains.firstIndex { $0.next?.unit == result.unit }
      if let index { try chains[index].take(result) }
    }
    var stops: [Int64] = [stopping() ? 1 : 0]
    try group.maximum(&stops)
    return stops[0] != 0
  }

  private static func shortened(_ result: SuiteResult) -> SuiteResult {
    SuiteResult(
      result.unit, hyperparameters: result.hyperparameters,
      runs: result.runs.map { SuiteRun(losses: [$0.losses.last ?? nil]) })
  }
}
