import Catalogs
import Comparison
import Datasets
import Files
internal import Platform
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

  func run() throws {
    try run(fingerprint: given.fingerprint) { report, folder in
      for line in report.lines { StandardOutput.write(line) }
      for (name, text) in report.files { try AtomicFile.write(text, to: "\(folder)/\(name)") }
      StandardError.notice(
        "the report is in '\(folder)/report.html' and report.md, data beside them")
    }
  }

  /// Runs the suite, and has its report written on rank 0.
  ///
  /// - Parameter fingerprint: the options, which all ranks must have in common.
  func run(
    fingerprint: String, write: (_ report: SuiteReport, _ folder: String) throws -> Void
  ) throws {
    let session = SuiteSession(
      output: settings.output ?? "", resumes: settings.resumes,
      timeout: settings.collectiveTimeout, fingerprint: fingerprint)
    try session.run { announcing in
      try makePlan(announcing: announcing)
    } finish: { plan, results, folder in
      try write(try report(plan, results), folder)
    }
  }

  // MARK: - What is compared

  private func makePlan(announcing: Bool) throws -> SuiteSession.Plan {
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
    if let again = settings.horizons.first(where: { horizon in
      settings.horizons.count { $0 == horizon } > 1
    }) {
      throw Failure(.usage, "--horizons names \(again) twice; name each once")
    }
    if !settings.horizons.isEmpty { run.horizons = Array(Set(settings.horizons)).sorted() }
    run.seed = settings.seed
    return SuiteSession.Plan(
      title: "Suite \(suite.name)", tasks: tasks,
      problems: Dictionary(
        uniqueKeysWithValues: suite.tasks.map {
          ($0.name, $0.options.isEmpty ? $0.problem : "\($0.problem) \($0.options.settingText)")
        }), entrants: entrants, settings: run,
      settingsText: "seed \(run.seed), \(run.seedCount) optimizees, \(run.trialCount) trials on"
        + " \(run.tuningSeedCount), search \(settings.search.rawValue), split"
        + " \(settings.split.rawValue), \(run.batchCount) minibatches at \(run.pointCount) points",
      envelopes: try envelopes(of: tasks.map(\.name), announcing: announcing))
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
    let text = try text(of: name, limit: 16 << 20, use: "a suite")
    do throws(SuiteFileError) {
      return try Suite(parsing: text, name: name, standard: Suite.fileStandard)
    } catch {
      throw Failure(
        .badData, "'\(name)' can't be used as a suite: \(error.place) \(error.reason)")
    }
  }

  private func text(of path: String, limit: Int, use: String) throws -> String {
    let bytes = try FileReader(path: path, limit: limit).bytes()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "'\(path)' can't be used as \(use): it is no UTF-8")
    }
    return text
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

  /// The envelopes of the file that was given, of these tasks.
  private func envelopes(
    of tasks: [String], announcing: Bool
  ) throws -> [String: LossCurve] {
    guard let path = settings.envelope else { return [:] }
    let text = try text(of: path, limit: 1 << 30, use: "envelopes")
    let all: [String: LossCurve]
    do throws(EnvelopeFileError) {
      all = try EnvelopeFile.envelopes(parsing: text)
    } catch {
      throw Failure(
        .badData, "'\(path)' can't be used as envelopes: \(error.place) \(error.reason)")
    }
    let found = all.filter { tasks.contains($0.key) }
    guard !found.isEmpty else {
      throw Failure(
        .badData,
        "'\(path)' has an envelope of none of the suite's tasks; it has"
          + " \(all.keys.sorted().prefix(5).joined(separator: ", ")): give a task of the suite's file"
          + " that 'name'")
    }
    let without = tasks.filter { found[$0] == nil }
    if announcing, !without.isEmpty {
      StandardError.notice(
        "'\(path)' has no envelope of \(without.joined(separator: ", ")): speedups over envelopes are"
          + " those of the other tasks")
    }
    return found
  }

  // MARK: - Output

  private func report(
    _ plan: SuiteSession.Plan, _ results: [SuiteResult]
  ) throws -> SuiteReport {
    let record = SuiteRecord(
      tasks: plan.tasks.map { SuiteRecord.Task(name: $0.name, stepCount: $0.stepCount) },
      optimizers: plan.entrants.map {
        SuiteRecord.Optimizer(label: $0.label, isBaseline: $0.isBaseline)
      }, settings: plan.settings, results: results,
      envelopes: plan.envelopes)
    guard let record else { throw Failure(.software, "results are missing; please report this") }
    let journal = plan.journal
    return SuiteReport(
      title: plan.title, record: record, settings: plan.settings,
      facts: SuiteFacts(
        program: programVersion, programHash: Self.programHash, settings: journal.settings,
        tasks: journal.tasks, optimizers: journal.optimizers, problems: plan.problems))
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
