import Catalogs
import Comparison
import Datasets
import Files
import Foundation
import MPIGroups
import Problems
import ProcessGroups
import Reports
import Settings
import Unrolling

/// One call of `compare --suite`.
struct SuiteComparing {
  let settings: CompareSettings
  let given: GivenSettings<CompareSettings>
  let catalog: Catalog

  /// What a suite's comparison is made of.
  struct Plan {
    let suite: Suite
    let tasks: [SuiteTask]
    let entrants: [Entrant]
    let settings: SuiteSettings
  }

  func run() throws {
    let signals = StopSignals()
    let group = try Launch.current.group(
      timeout: .seconds(settings.collectiveTimeout), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: Plan?
    var folder: SuiteFolder?
    defer { folder?.removeIfEmpty() }
    var journal: SuiteJournal?
    let known = try group.decideOnRankZero {
      let plan = try makePlan(announcing: true)
      checked = plan
      let claimed = try SuiteFolder(settings.output ?? "", resumes: settings.resumes)
      folder = claimed
      let opened = try SuiteJournal(folder: claimed.path, plan: journalPlan(plan))
      journal = opened
      return [UInt8](try JSONEncoder().encode(opened.results))
    }
    let plan = try checked ?? makePlan(announcing: false)
    try group.agree(on: agreement(plan))
    let results = try JSONDecoder().decode([SuiteResult].self, from: Data(known))
    let all = try compare(plan, group, known: results, journal) { signals.first != nil }
    guard group.rank == 0, let folder else { return }
    try write(plan, all, ranks: group.count, to: folder.path)
  }

  /// Runs what is not known, and returns all that is known in the end; what rank 0 has, has all.
  private func compare(
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
          "stopped; what is done is kept in '\(settings.output ?? "")': go on by the same command"
            + " with --resume"))
    }
    return all
  }

  // MARK: - What is compared

  private func makePlan(announcing: Bool) throws -> Plan {
    let suite = try suite()
    try takeWorkSpace()
    let entrants = try entrants(suite)
    let (tasks, notices) = try tasks(suite)
    if announcing { for notice in notices { StandardError.notice(notice) } }
    var run = SuiteSettings()
    run.seedCount = given.contains("num_epochs") ? settings.epochCount : suite.seedCount
    run.tuningSeedCount = settings.tuningEpochs ?? suite.tuningSeedCount
    run.trialCount = settings.trials ?? suite.trialCount
    if settings.search == .rate, run.trialCount < LearningRateSearch.gridCount {
      throw Failure(
        .usage,
        "suite '\(suite.name)' has \(run.trialCount) trials, but the grid of learning rates takes"
          + " \(LearningRateSearch.gridCount); give --trials")
    }
    if !settings.horizons.isEmpty { run.horizons = Array(Set(settings.horizons)).sorted() }
    run.seed = settings.seed
    return Plan(suite: suite, tasks: tasks, entrants: entrants, settings: run)
  }

  private func suite() throws -> Suite {
    let name = settings.suite ?? ""
    if let suite = catalog.suite(named: name) { return suite }
    guard Path(name).status != nil else {
      throw Failure(
        .missing,
        "there is no suite '\(name)', and no file of that name"
          + suggestion(name, catalog.suites.map(\.name)))
    }
    let limit = 16 << 20
    let bytes = try FileReader(path: name, limit: limit).bytes()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "'\(name)' can't be used as a suite: it is no UTF-8")
    }
    do throws(SuiteFileError) {
      return try Suite(parsing: text, name: name, standard: Suite.fileStandard)
    } catch {
      throw Failure(
        .badData, "'\(name)' can't be used as a suite: \(error.place) \(error.reason)")
    }
  }

  private func tasks(_ suite: Suite) throws -> ([SuiteTask], notices: [String]) {
    var notices: [String] = []
    let tasks = try suite.tasks.map { task in
      let entry = try catalog.problem(named: task.problem)
      func built(_ split: DatasetSplit) throws -> BuiltProblem {
        do {
          return try makeProblem(
            entry, options: task.options, split: split,
            directory: settings.problem.dataDirectory, announcing: false)
        } catch {
          let failure = Failure(describing: error)
          throw Failure(failure.code, "task '\(task.name)': \(failure.message)")
        }
      }
      let (measured, tuning) = (try built(settings.split), try built(.train))
      for notice in measured.notices + tuning.notices where !notices.contains(notice) {
        notices.append(notice)
      }
      let words = [
        task.problem, task.options.settingText, "\(task.stepCount)", settings.split.rawValue,
        measured.dataHash, tuning.dataHash,
      ]
      return SuiteTask(
        name: task.name, stepCount: task.stepCount, measured: measured.tasks(named: task.problem),
        tuning: tuning.tasks(named: task.problem),
        hash: ContentHash(words.joined(separator: "\n")).value)
    }
    return (tasks, notices)
  }

  private func entrants(_ suite: Suite) throws -> [Entrant] {
    let maker = SuiteEntrants(catalog: catalog, tunesAll: settings.search == .all)
    var entrants: [Entrant] = []
    for argument in try contenderArguments(settings, catalog) {
      switch argument {
      case .baseline(let baseline, let rate):
        entrants.append(maker.baseline(baseline, rate: rate))
      case .saved(let label, let path):
        entrants.append(try maker.saved(label: label, path: path))
      }
    }
    // Whoever names baselines has chosen them.
    if !entrants.contains(where: \.isBaseline) {
      entrants += try suite.baselines.map { name in
        guard let baseline = catalog.baseline(spelled: name) else {
          throw Failure(
            .badData,
            "suite '\(suite.name)' names a baseline '\(name)' that there is not"
              + suggestion(name, catalog.baselines.map(\.name)))
        }
        return maker.baseline(baseline, rate: nil)
      }
    }
    for (index, entrant) in entrants.enumerated()
    where entrants[..<index].contains(where: { $0.label == entrant.label }) {
      throw Failure(
        .usage, "--optimizers names '\(entrant.label)' twice; give each a name of its own")
    }
    return entrants
  }

  // MARK: - What must be the same

  /// Everything besides tasks and optimizers that decides a number of a unit.
  private func settingsText(_ plan: Plan) -> String {
    let run = plan.settings
    return "seed \(run.seed), \(run.seedCount) optimizees, \(run.trialCount) trials on"
      + " \(run.tuningSeedCount), search \(settings.search.rawValue), split"
      + " \(settings.split.rawValue), \(run.batchCount) minibatches at \(run.pointCount) points"
  }

  private func journalPlan(_ plan: Plan) -> SuiteJournal.Plan {
    SuiteJournal.Plan(
      program: programVersion, settings: settingsText(plan),
      tasks: Dictionary(
        uniqueKeysWithValues: plan.tasks.map { ($0.name, ContentHash($0.hash).text) }),
      optimizers: Dictionary(
        uniqueKeysWithValues: plan.entrants.map { ($0.label, ContentHash($0.hash).text) }))
  }

  private func agreement(_ plan: Plan) -> [(name: String, hash: UInt64)] {
    var tasks = ContentHash()
    for task in plan.tasks { tasks.add(task.hash) }
    var optimizers = ContentHash()
    for entrant in plan.entrants { optimizers.add(entrant.hash) }
    return [
      ("program version", ContentHash(programVersion).value),
      ("options", ContentHash(given.fingerprint).value), ("weights", optimizers.value),
      ("data set", tasks.value),
    ]
  }

  // MARK: - Output

  private func write(
    _ plan: Plan, _ results: [SuiteResult], ranks: Int, to folder: String
  ) throws {
    let record = SuiteRecord(
      tasks: plan.tasks.map { SuiteRecord.Task(name: $0.name, stepCount: $0.stepCount) },
      optimizers: plan.entrants.map {
        SuiteRecord.Optimizer(label: $0.label, isBaseline: $0.isBaseline)
      }, settings: plan.settings, results: results)
    guard let record else { throw Failure(.software, "results are missing; please report this") }
    let journal = journalPlan(plan)
    let report = SuiteReport(
      title: "Suite \(plan.suite.name)", record: record, settings: plan.settings,
      facts: SuiteFacts(
        program: programVersion, programHash: Self.programHash, settings: journal.settings,
        tasks: journal.tasks, optimizers: journal.optimizers,
        problems: Dictionary(
          uniqueKeysWithValues: plan.suite.tasks.map {
            ($0.name, $0.options.isEmpty ? $0.problem : "\($0.problem) \($0.options.settingText)")
          })))
    for line in report.lines { StandardOutput.write(line) }
    for (name, text) in report.files { try AtomicFile.write(text, to: "\(folder)/\(name)") }
    StandardError.notice("the report is in '\(folder)/report.html' and report.md, data beside them")
  }

  /// A hash of the program's file; empty where it can't be read.
  private static var programHash: String {
    guard let bytes = try? FileReader(path: "/proc/self/exe", limit: 1 << 30).bytes() else {
      return ""
    }
    var hash = ContentHash()
    bytes.withUnsafeBytes { bytes in
      for offset in stride(from: 0, to: bytes.count - 7, by: 8) {
        hash.add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      }
    }
    return hash.text
  }
}

extension ContentHash {
  /// The hash of a number.
  fileprivate init(_ value: UInt64) {
    self.init()
    add(value)
  }
}
