import Comparison
internal import Essentials
import Files
import MPIGroups
import ProcessGroups

/// The work of a suite, from the claim of its folder to its last unit: what `compare --suite` and
/// `envelope` share.
struct SuiteSession {
  /// What is to be done.
  struct Plan {
    let title: String
    let tasks: [SuiteTask]
    /// The tasks' problems and options in words, by name.
    let problems: [String: String]
    let entrants: [Entrant]
    let settings: SuiteSettings
    /// Everything besides tasks and optimizers that decides a number of a unit, in words.
    let settingsText: String
    /// Envelopes that results are compared with, by the tasks' names.
    var envelopes: [String: LossCurve] = [:]

    /// What results in one file have in common.
    var journal: SuiteJournal.Plan {
      SuiteJournal.Plan(
        program: programVersion, settings: settingsText,
        tasks: Dictionary(
          uniqueKeysWithValues: tasks.map { ($0.name, ContentHash($0.hash).text) }),
        optimizers: Dictionary(
          uniqueKeysWithValues: entrants.map { ($0.label, ContentHash($0.hash).text) }))
    }
  }

  let output: String
  let resumes: Bool
  let timeout: Double
  /// The options, which all ranks must have in common.
  let fingerprint: String

  /// Does all that is not done yet.
  ///
  /// - Parameters:
  ///   - makePlan: called on every rank; on rank 0 it may tell the user something.
  ///   - finish: called on rank 0 with all results.
  func run(
    plan makePlan: (_ announcing: Bool) throws -> Plan,
    finish: (_ plan: Plan, _ results: [SuiteResult], _ folder: String) throws -> Void
  ) throws {
    let signals = StopSignals()
    let group = try Launch.current.group(timeout: .seconds(timeout), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: Plan?
    var folder: SuiteFolder?
    defer { folder?.removeIfEmpty() }
    var journal: SuiteJournal?
    let known = try group.decideOnRankZero {
      let plan = try makePlan(true)
      checked = plan
      let claimed = try SuiteFolder(output, resumes: resumes)
      folder = claimed
      let opened = try SuiteJournal(folder: claimed.path, plan: plan.journal)
      journal = opened
      return [UInt8](try JSONEncoder().encode(opened.results))
    }
    let plan = try checked ?? makePlan(false)
    try group.agree(on: agreement(plan))
    let results = try JSONDecoder().decode([SuiteResult].self, from: Data(known))
    let all = try work(plan, group, known: results, journal) { signals.first != nil }
    guard group.rank == 0, let folder else { return }
    try finish(plan, all, folder.path)
  }

  /// Runs what is not known, and returns all that is known in the end; what rank 0 has, has all.
  private func work(
    _ plan: Plan, _ group: any ProcessGroup, known: [SuiteResult], _ journal: SuiteJournal?,
    shouldStop: @escaping () -> Bool
  ) throws -> [SuiteResult] {
    let runner = SuiteRunner(
      tasks: plan.tasks, entrants: plan.entrants, settings: plan.settings, group: group,
      shouldStop: shouldStop)
    try runner.check { entrant, task, error in
      SharedFailure(
        Failure(
          .badData,
          "'\(entrant.label)' can't step task '\(task.name)': \(Failure(describing: error).message)"
        ))
    }
    var all = known
    var bar = ProgressBar()
    defer { bar.clear() }
    do {
      try runner.run(known: known) { results in
        try journal?.append(results)
        all += results
      } progress: { progress in
        if group.rank == 0 { bar.show(progress.done, of: progress.count) }
      }
    } catch ContestError.stopped {
      bar.clear()
      throw SharedFailure(
        Failure(
          .stopped,
          "stopped; what is done is kept in '\(output)': go on by the same command with --resume"))
    }
    return all
  }

  private func agreement(_ plan: Plan) -> [(name: String, hash: UInt64)] {
    var tasks = ContentHash()
    for task in plan.tasks { tasks.add(task.hash) }
    var optimizers = ContentHash()
    for entrant in plan.entrants { optimizers.add(entrant.hash) }
    return sameProgram() + [
      ("options", ContentHash(fingerprint).value), ("weights", optimizers.value),
      ("data set", tasks.value),
    ]
  }
}

extension ContentHash {
  /// The hash of a number.
  init(_ value: UInt64) {
    self.init()
    add(value)
  }
}
