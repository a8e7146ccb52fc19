import ArgumentParser
import Comparison
import Datasets
import DistributedTraining
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems
import Reports
import Safetensors
import Tensors

/// Compares optimizers on the same fresh optimizees.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare learned and hand-designed optimizers on the same fresh optimizees.",
    discussion: """
      All optimizers get the same optimizees: initial parameters, constants and minibatches. With
      --tune the learning rate of each hand-designed one is looked for in 19 trials, on optimizees
      of the training split that are used for nothing else: half decades from 1e-4 to 10, beyond if
      the best lies at an end, then ever smaller steps beside the best. The trial with the smallest
      mean final loss wins; one in which a run diverges loses.

      The interval of the mean is a 95% percentile bootstrap of 2,000 resamples. Diverged runs are
      counted; means leave them out, medians and wins have them lose.

      --output keeps curves.csv (every loss), times.csv, summary.csv (the figures at every step),
      tuning.csv, result.json, and the figures with their script, drawn by gnuplot.
      """)

  @OptionGroup var problem: ProblemArguments

  @Option(
    name: .customLong("optimizers"),
    help: ArgumentHelp(
      "Adam, SGD, Momentum, NAG, RMSprop; Adam=0.01 fixes the rate; any other NAME=PATH is a saved"
        + " optimizer under that name.", valueName: "L2L=PATH,Adam,..."))
  var optimizers: String?
  @Flag(name: .customLong("tune"), help: "Tune the learning rates that are not given.")
  var tune = false
  @Option(
    name: .customLong("tuning_epochs"), help: "Optimizees of each trial. (default: 50)")
  var tuningEpochs: Int?
  @Option(
    name: .customLong("learning_rate"),
    help: "Of hand-designed optimizers without one, when they are not tuned. (default: 0.001)")
  var learningRate: Float?
  @Option(name: .customLong("num_epochs"), help: "Optimizees that the result is measured on.")
  var epochCount = 100
  @Option(name: .customLong("num_steps"), help: "Steps of each.")
  var stepCount = 100
  @Option(name: .customLong("seed"), help: "Of all random numbers.")
  var seed: UInt64 = 0
  @Option(name: .customLong("split"), help: "The part of a data set: train or test.")
  var split = "test"
  @Option(name: .customLong("output"), help: "A new folder for data and figures.")
  var output: String?
  @Option(
    name: .customLong("collective_timeout"),
    help: "Seconds until a rank that does not answer counts as hung.")
  var collectiveTimeout = 600.0

  /// What a comparison is made of.
  struct Plan {
    let contenders: [Contender]
    let measured: any Problem
    let tuning: any Problem
    let settings: ContestSettings
    let split: String?
    let isSynthetic: Bool
    let dataHash: String
  }

  mutating func run() throws {
    // Before the folder is made, so that a signal never leaves an empty one.
    let signals = StopSignals()
    try requireTimeout(collectiveTimeout)
    let group = try Launch.current.group(
      timeout: .seconds(collectiveTimeout), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: Plan?
    _ = try group.decideOnRankZero {
      checked = try makePlan()
      if let output { try makeFolder(output) }
      return []
    }
    var isComplete = false
    // Only an empty folder goes.
    defer { if !isComplete, group.rank == 0, let output { rmdir(output) } }
    let plan = try checked ?? makePlan()
    try group.agree(on: agreement(plan))
    do {
      try compare(plan, group) { signals.first != nil }
    } catch ContestError.stopped {
      if group.rank == 0, let output { rmdir(output) }
      throw SharedFailure(
        Failure(.stopped, "stopped before the end, and nothing is kept; start it again"))
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
      problem: problem.problem ?? "simple", split: plan.split, isSynthetic: plan.isSynthetic,
      settings: plan.settings,
      standings: Standings(
        plan.contenders, rates: rates, searches: searches, runs: runs, seed: seed),
      runs: runs,
      facts: try facts(plan, group, duration: (ContinuousClock.now - started).seconds))
    // First of all: it must not be lost with a disk that is full by now.
    for line in report.table { StandardOutput.write(line) }
    if let output { try write(report, to: output) }
  }

  private func withProgress<Value>(
    _ group: any ProcessGroup, _ body: ((Int, Int) -> Void) throws -> Value
  ) rethrows -> Value {
    var bar = ProgressBar()
    defer { bar.clear() }
    return try body { done, count in if group.rank == 0 { bar.show(done, of: count) } }
  }

  private func warn(_ contenders: [Contender], _ searches: [LearningRateSearch?]) {
    if !tune, learningRate == nil, contenders.contains(where: \.isUntuned) {
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
    let name = problem.problem ?? "simple"
    _ = try ProblemCatalog.entry(named: name)
    try require("num_epochs", epochCount, atLeast: 1)
    try require("num_steps", stepCount, atLeast: 1)
    try require("tuning_epochs", tuningEpochs ?? 1, atLeast: 1, atMost: 1_000_000)
    if !tune, tuningEpochs != nil {
      throw Failure(.usage, "--tuning_epochs is for --tune, which is not given")
    }
    if let learningRate {
      try requireLearningRate(learningRate)
      guard !tune else {
        throw Failure(
          .usage,
          "--learning_rate is for optimizers that are not tuned; leave out --tune, or give"
            + " one optimizer its rate as in Adam=\(learningRate)")
      }
    }
    guard let split = DatasetSplit(rawValue: split) else {
      throw Failure(.usage, "--split takes train or test, not '\(split)'")
    }
    let contenders = try contenders(problem: name)
    guard epochCount * (stepCount + 1) <= Self.mostLosses / contenders.count else {
      throw Failure(
        .usage,
        "\(epochCount) epochs of \(stepCount) steps with \(contenders.count) optimizers are over"
          + " \(Self.mostLosses) losses; give fewer epochs or steps")
    }
    let options = try problem.problemOptionValues()
    func built(_ split: DatasetSplit, announcing: Bool) throws -> BuiltProblem {
      try makeProblem(
        name, options: options, split: split, directory: problem.dataDirectory,
        announcing: announcing)
    }
    let measured = try built(split, announcing: true)
    let tuning = try built(.train, announcing: false)
    for contender in contenders {
      guard case .learned(let nets) = contender.rule else { continue }
      do {
        _ = try Experiment(problem: measured.problem, nets: nets)
      } catch {
        throw Failure(
          .badData, "'\(contender.label)' can't be used: \(Failure(describing: error).message)")
      }
    }
    var settings = ContestSettings()
    settings.epochCount = epochCount
    settings.stepCount = stepCount
    settings.seed = seed
    if let tuningEpochs { settings.tuningEpochs = tuningEpochs }
    return Plan(
      contenders: contenders, measured: measured.problem, tuning: tuning.problem,
      settings: settings, split: measured.dataset == nil ? nil : split.rawValue,
      isSynthetic: measured.dataset?.origin == .synthetic,
      dataHash: [measured, tuning].map { built in
        built.dataset.map { String($0.contentHash(), radix: 16) } ?? "none"
      }.joined(separator: " "))
  }

  /// Above this the losses would not fit into memory as text.
  private static let mostLosses = 20_000_000

  private func contenders(problem name: String) throws -> [Contender] {
    guard let optimizers else {
      throw Failure(.usage, "compare needs --optimizers, as --optimizers=L2L=PATH,Adam,SGD")
    }
    let overrides = try problem.netOptionValues()
    var contenders: [Contender] = []
    for text in optimizers.split(separator: ",", omittingEmptySubsequences: false) {
      let contender: Contender
      switch try ContenderArgument(String(text)) {
      case .baseline(let baseline, let rate):
        contender = Contender(
          label: rate.map { "\(baseline)=\(JSONValue.number(Double($0)).text)" } ?? baseline,
          rule: .baseline(baseline, rate: rate ?? (tune ? nil : learningRate ?? 0.001)))
      case .saved(let label, let path):
        let nets = try learnedNets(problem: name, overrides: overrides, path: path, seed: seed)
        contender = Contender(label: label, rule: .learned(nets))
      }
      guard !contenders.contains(where: { $0.label == contender.label }) else {
        throw Failure(
          .usage, "--optimizers names '\(contender.label)' twice; give each a name of its own")
      }
      contenders.append(contender)
    }
    guard contenders.count <= 16 else {
      throw Failure(.usage, "--optimizers takes at most 16, not \(contenders.count)")
    }
    return contenders
  }

  /// What all ranks must have in common.
  private func agreement(_ plan: Plan) -> [(name: String, hash: UInt64)] {
    var weights = ContentHash()
    for case .learned(let nets) in plan.contenders.map(\.rule) {
      for tensor in nets.flatMap(\.optimizer.weights.tensors) { weights.add(tensor) }
    }
    let options =
      "\(problem.problem ?? "") \(problem.problemOptions) \(problem.netOptions)"
      + " \(optimizers ?? "") \(tune) \(plan.settings) \(learningRate ?? 0) \(split)"
    return [
      ("program version", ContentHash(Program.version).value),
      ("options", ContentHash(options).value), ("weights", weights.value),
      ("data set", ContentHash(plan.dataHash).value),
    ]
  }

  private func facts(
    _ plan: Plan, _ group: any ProcessGroup, duration: Double
  ) throws -> [String: JSONValue] {
    func strings(_ values: [String: String]) -> JSONValue {
      .object(values.mapValues { .string($0) })
    }
    return [
      "program_version": .string(Program.version), "data": .string(plan.dataHash),
      "optimizers_given": .string(optimizers ?? ""), "tune": .bool(tune),
      "problem_option": strings(try problem.problemOptionValues()),
      "net_option": strings(try problem.netOptionValues()),
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
          + " (apt install gnuplot-nox), then: gnuplot \(script)")
    case .failed(let reason):
      for name in ComparisonReport.figureNames { unlink("\(folder)/\(name)") }
      StandardError.notice(
        "warning: data are in '\(folder)', but gnuplot could not draw the figures: \(reason)")
    }
  }
}

/// One entry of `--optimizers`.
enum ContenderArgument {
  case baseline(String, rate: Float?)
  case saved(label: String, path: String)

  /// Reads `Adam`, `Adam=0.01` or `NAME=PATH`.
  ///
  /// - Throws: `Failure` that says what is wrong.
  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.first.map(String.init) ?? ""
    let value = parts.count == 2 ? String(parts[1]) : nil
    guard !name.isEmpty else {
      throw Failure(
        .usage, "--optimizers has an entry without a name: give names or NAME=PATH between commas")
    }
    if let baseline = BaselineCatalog.name(spelled: name) {
      let rate = try value.map { text in
        guard let rate = Float(text), rate.isFinite, rate >= 0 else {
          throw Failure(
            .usage,
            "\(name)=\(text) is no learning rate; give a number as in \(baseline)=0.01, or"
              + " another name to a saved optimizer")
        }
        return rate
      }
      self = .baseline(baseline, rate: rate)
      return
    }
    guard let value, !value.isEmpty else {
      throw Failure(
        .usage,
        name.uppercased() == "L2L" || value != nil
          ? "\(name) needs the path of a saved optimizer: \(name)=PATH"
          : "there is no optimizer '\(name)'\(Failure.suggestion(name, BaselineCatalog.names));"
            + " a saved one is given as NAME=PATH")
    }
    // Names stand in CSV files and scripts.
    let isPlain = name.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil
        || " -_.+:()/".unicodeScalars.contains($0)
    }
    guard isPlain, name.count <= 32, name.trimmingCharacters(in: .whitespaces) == name else {
      throw Failure(
        .usage,
        "'\(name)' can't be the name of an optimizer: give at most 32 letters, digits,"
          + " spaces inside, or -_.+:()/")
    }
    self = .saved(label: name, path: value)
  }
}

extension Contender {
  /// Whether it has a learning rate that nobody chose for it.
  fileprivate var isUntuned: Bool {
    if case .baseline(let name, rate: _) = rule { return label == name }
    return false
  }
}
