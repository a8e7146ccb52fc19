import Catalogs
import Comparison
import Datasets
internal import Essentials
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Reports
import Safetensors
import Settings
import Tensors
import Unrolling

/// One call of `compare`.
struct Comparing {
  let settings: CompareSettings
  let given: GivenSettings<CompareSettings>
  let catalog: Catalog

  /// What a comparison is made of.
  struct Plan {
    let contenders: [Contender]
    let measured: [TaskAssignment]
    let tuning: [TaskAssignment]
    let settings: ContestSettings
    let problem: String
    let options: [String: String]
    let split: String?
    let isSynthetic: Bool
    let dataHash: String
  }

  func run() throws {
    // Before the folder is made, so that a signal never leaves an empty one.
    let signals = StopSignals()
    let group = try Launch.current.group(
      timeout: .seconds(settings.collectiveTimeout), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: Plan?
    _ = try group.decideOnRankZero {
      checked = try makePlan()
      if let output = settings.output { try makeFolder(output) }
      return []
    }
    var isComplete = false
    // Only an empty folder goes.
    defer { if !isComplete, group.rank == 0, let output = settings.output { rmdir(output) } }
    let plan = try checked ?? makePlan()
    try group.agree(on: agreement(plan))
    do {
      try compare(plan, group) { signals.first != nil }
    } catch ContestError.stopped {
      if group.rank == 0, let output = settings.output { rmdir(output) }
      throw SharedFailure(
        Failure(.interrupted, "stopped before the end, and nothing is kept; start it again"))
    }
    isComplete = true
  }

  private func compare(
    _ plan: Plan, _ group: any ProcessGroup, shouldStop: @escaping () -> Bool
  ) throws {
    let started = ContinuousClock.now
    let contest = Contest(
      plan.contenders, settings: plan.settings, group: group, shouldStop: shouldStop)
    let searches = try withProgress(group) { try contest.tune(on: plan.tuning, progress: $0) }
    warn(plan.contenders, searches)
    let rates = searches.map { $0?.best?.rate }
    let runs = try withProgress(group) {
      try contest.measure(on: plan.measured, rates: rates, progress: $0)
    }
    guard let runs else { return }
    let report = ComparisonReport(
      problem: plan.problem, split: plan.split, isSynthetic: plan.isSynthetic,
      settings: plan.settings,
      standings: Standings(
        plan.contenders, rates: rates, searches: searches, runs: runs, seed: settings.seed),
      runs: runs,
      facts: try facts(plan, group, duration: (ContinuousClock.now - started).inSeconds))
    // First of all: it must not be lost with a disk that is full by now.
    for line in report.table { StandardOutput.write(line) }
    if let output = settings.output { try write(report, to: output) }
  }

  private func withProgress<Value>(
    _ group: any ProcessGroup, _ body: ((Int, Int) -> Void) throws -> Value
  ) rethrows -> Value {
    var bar = ProgressBar()
    defer { bar.clear() }
    return try body { done, count in if group.rank == 0 { bar.show(done, of: count) } }
  }

  private func warn(_ contenders: [Contender], _ searches: [LearningRateSearch?]) {
    if !settings.tunes, settings.learningRate == nil, contenders.contains(where: \.isUntuned) {
      StandardError.notice("learning rates are not tuned; --tune finds better ones")
    }
    for (contender, search) in zip(contenders, searches) {
      guard let search, let best = search.best else { continue }
      if !best.loss.isFinite {
        StandardError.notice(
          "warning: \(contender.label) diverges with every learning rate that was tried")
      } else if search.isBestAtEdge {
        StandardError.notice(
          "warning: the best learning rate of \(contender.label), \(best.rate), is the last that was"
            + " tried on its side: a better one may lie beyond it")
      }
    }
  }

  // MARK: - What is compared

  private func makePlan() throws -> Plan {
    let arguments = try contenderArguments(settings, catalog)
    let first = arguments.lazy.compactMap {
      if case .saved(_, let path) = $0 { path } else { nil }
    }.first
    let (name, options) = settings.problem.resolved(trainedAt: first)
    let entry = try catalog.problem(named: name)
    try requireOptimizees(settings.epochCount, for: name)
    if first == nil, given.contains("net_option") {
      throw Failure(
        .usage, "--net_option is for learned optimizers, and none is compared; leave it out")
    }
    let takesRate = arguments.contains {
      if case .baseline(_, nil) = $0 { true } else { false }
    }
    if !takesRate, settings.tunes || settings.learningRate != nil {
      StandardError.notice(
        "--\(settings.tunes ? "tune" : "learning_rate") has no effect: every optimizer has a rate of"
          + " its own or none")
    }
    try takeWorkSpace()
    let contenders = try contenders(arguments, problem: entry, options: options)
    let (epochCount, stepCount) = (settings.epochCount, settings.stepCount)
    guard epochCount * (stepCount + 1) <= Self.mostLosses / contenders.count else {
      throw Failure(
        .usage,
        "\(epochCount) epochs of \(stepCount) steps with \(contenders.count) optimizers are over"
          + " \(Self.mostLosses) losses; give fewer epochs or steps")
    }
    func built(_ split: DatasetSplit, announcing: Bool) throws -> BuiltProblem {
      try makeProblem(
        entry, options: options, split: split,
        directory: settings.problem.dataDirectory, announcing: announcing)
    }
    let measured = try built(settings.split, announcing: true)
    let tuning = try built(.train, announcing: false)
    for contender in contenders {
      guard case .learned(let nets) = contender.rule else { continue }
      do {
        _ = try Experiment(tasks: measured.tasks(named: name), nets: nets.nets)
      } catch {
        throw Failure(
          .badData, "'\(contender.label)' can't be used: \(Failure(describing: error).message)")
      }
    }
    var contest = ContestSettings()
    contest.epochCount = epochCount
    contest.stepCount = stepCount
    contest.seed = settings.seed
    if let tuningEpochs = settings.tuningEpochs { contest.tuningEpochs = tuningEpochs }
    if let trials = settings.trials { contest.tuningTrials = trials }
    return Plan(
      contenders: contenders, measured: measured.tasks(named: name),
      tuning: tuning.tasks(named: name),
      settings: contest, problem: name, options: options,
      split: measured.dataset == nil ? nil : settings.split.rawValue,
      isSynthetic: measured.dataset?.origin == .synthetic,
      dataHash: [measured, tuning].map(\.dataHash).joined(separator: " "))
  }

  /// Above this the losses would not fit into memory as text.
  private static let mostLosses = 20_000_000

  private func contenders(
    _ arguments: [ContenderArgument], problem: ProblemEntry, options: [String: String]
  ) throws -> [Contender] {
    var contenders: [Contender] = []
    for argument in arguments {
      let contender: Contender
      switch argument {
      case .baseline(let baseline, let rate):
        contender = Contender(
          label: rate.map { "\(baseline.name)=\(JSONValue.float($0).text)" } ?? baseline.name,
          rule: .baseline(
            baseline, rate: rate ?? (settings.tunes ? nil : settings.learningRate ?? 0.001)))
      case .saved(let label, let path):
        let nets = try LearnedNets(catalog: catalog, problem: problem, options: options).load(
          overrides: settings.problem.netOptions, path: path, seed: settings.seed)
        contender = Contender(label: label, rule: .learned(nets))
      }
      guard !contenders.contains(where: { $0.label == contender.label }) else {
        throw Failure(
          .usage, "--optimizers names '\(contender.label)' twice; give each a name of its own")
      }
      contenders.append(contender)
    }
    return contenders
  }

  /// What all ranks must have in common.
  private func agreement(_ plan: Plan) -> [(name: String, hash: UInt64)] {
    var weights = ContentHash()
    for case .learned(let nets) in plan.contenders.map(\.rule) {
      for tensor in nets.weights.flatMap(\.tensors) { weights.add(tensor) }
    }
    return sameProgram() + [
      ("options", ContentHash(given.fingerprint).value), ("weights", weights.value),
      ("data set", ContentHash(plan.dataHash).value),
    ]
  }

  private func facts(
    _ plan: Plan, _ group: any ProcessGroup, duration: Double
  ) throws -> [String: JSONValue] {
    return [
      "program_version": .string(programVersion), "data": .string(plan.dataHash),
      "optimizers_given": .string(
        (settings.optimizers + settings.named).joined(separator: ",")),
      "tune": .bool(settings.tunes),
      "problem_option": plan.options.settingJSON,
      "net_option": settings.problem.netOptions.settingJSON,
      "ranks": .number(Double(group.count)),
      "host": .string(ProcessInfo.processInfo.hostName), "duration_seconds": .number(duration),
    ]
  }

  // MARK: - Output

  private func makeFolder(_ path: String) throws {
    guard mkdir(path, 0o777) == 0 else {
      throw Failure(
        .cannotWrite,
        "cannot make the folder '\(path)': \(String(cString: strerror(errno)));"
          + " choose another --output")
    }
  }

  /// Writes all files or none, and draws the figures.
  private func write(_ report: ComparisonReport, to folder: String) throws {
    var written: [String] = []
    do {
      for (name, text) in report.files {
        try AtomicFile.write(text, to: "\(folder)/\(name)")
        written.append(name)
      }
    } catch {
      for name in written { unlink("\(folder)/\(name)") }
      rmdir(folder)
      throw error
    }
    let script = "\(folder)/figure.gp"
    switch Gnuplot.run(script) {
    case .drawn:
      StandardError.notice("data and figures are in '\(folder)'")
    case .missing:
      StandardError.notice(
        "data are in '\(folder)'; there is no gnuplot to draw the figures: install it"
          + " (apt install gnuplot-nox), then: gnuplot \(ShellWord.quoted(script))")
    case .failed(let reason):
      StandardError.notice(
        "warning: data are in '\(folder)', but gnuplot could not draw the figures: \(reason)")
    }
  }
}

extension Contender {
  /// Whether it has a learning rate that nobody chose for it.
  fileprivate var isUntuned: Bool {
    if case .baseline(let baseline, rate: _) = rule { return label == baseline.name }
    return false
  }
}

/// Checks that each of several problems gets an optimizee.
///
/// - Throws: `Failure`.
private func requireOptimizees(_ count: Int, for problems: String) throws {
  let names = ProblemNames(problems).names
  guard count >= names.count else {
    throw Failure(
      .usage,
      "--num_epochs \(count) is less than the \(names.count) problems \(problems), to which optimizees"
        + " are dealt in turn; give at least \(names.count)")
  }
}
