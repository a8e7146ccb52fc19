import ArgumentParser
import Catalogs
import Comparison
import Datasets
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Reports
import Settings
import Telemetry
import Unrolling

/// What `report` can be told.
struct ReportSettings: Configurable {
  var path: String?
  var output: String?
  var suite: String?
  var epochCount = 20
  var stepCount: Int?
  var seed: UInt64 = 0
  var split = DatasetSplit.test
  var dataDirectory: String?
  var resumes = false
  var collectiveTimeout = 600.0

  static let settings: [Setting<ReportSettings>] = [
    Setting(
      "path", \.path, effect: .run, placeholder: "FOLDER", "the folder of a training, RUN"),
    Setting(
      "output", \.output, effect: .run, placeholder: "FOLDER", "a new folder for the report"),
    Setting(
      "suite", \.suite, effect: .run, placeholder: "NAME|FILE", default: "none",
      "also compare the optimizer on a suite, as `l2l compare --suite` does"),
    Setting(
      "num_epochs", \.epochCount, in: .from(1, to: 1e5), effect: .run,
      "optimizees of the problem that the optimizer is measured on"),
    Setting(
      "num_steps", \.stepCount, in: .from(1, to: 1e6), effect: .run,
      default: "the training's", "steps of each"),
    Setting("seed", \.seed, effect: .run, "of all random numbers"),
    Setting("split", \.split, effect: .run, "the part of a data set"),
    .dataDirectory(\.dataDirectory),
    Setting(
      "resume", \.resumes, effect: .run, "go on with the suite in --output where it stopped"),
    .collectiveTimeout(\.collectiveTimeout),
  ]
}

/// Makes a page of a training.
struct Report: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Make a page of a training: course, gauge, and what its optimizer does elsewhere.",
    usage: "l2l report RUN --output=FOLDER [OPTION ...]",
    discussion: """
      RUN is a training's --save_path. FOLDER gets report.html, which needs no other file, report.md, \
      and evaluation.csv with the losses on fresh optimizees of the training's problem; with --suite \
      all that `l2l compare --suite` writes, too.
      """)

  static let operands = ["path"]

  @OptionGroup var arguments: SettingArguments<ReportSettings>

  static func run(
    _ settings: ReportSettings, given: GivenSettings<ReportSettings>, on catalog: Catalog
  ) throws {
    guard let path = settings.path else {
      throw Failure(.usage, "report needs the folder of a training: l2l report RUN")
    }
    guard let output = settings.output, !output.isEmpty else {
      throw Failure(.usage, "report needs --output=FOLDER")
    }
    if settings.suite == nil, given.contains("resume") {
      throw Failure(.usage, "--resume is for --suite, which is not given")
    }
    try Reporting(settings: settings, given: given, catalog: catalog, path: path, output: output)
      .run()
  }
}

/// One call of `report`.
private struct Reporting {
  let settings: ReportSettings
  let given: GivenSettings<ReportSettings>
  let catalog: Catalog
  let path: String
  let output: String

  func run() throws {
    guard settings.suite != nil else {
      // Ranks of a launcher would write one file.
      guard Launch.current.rank == 0 else { return }
      let parts = try parts()
      let folder = try SuiteFolder(output, resumes: false)
      defer { folder.removeIfEmpty() }
      return try write(parts, suite: nil, to: folder.path)
    }
    var comparing = CompareSettings()
    comparing.suite = settings.suite
    comparing.named = ["\(label)=\(path)"]
    comparing.output = output
    comparing.seed = settings.seed
    comparing.split = settings.split
    comparing.problem.dataDirectory = settings.dataDirectory
    comparing.resumes = settings.resumes
    comparing.collectiveTimeout = settings.collectiveTimeout
    let suite = SuiteComparing(
      settings: comparing, given: GivenSettings(in: .commandLine), catalog: catalog)
    // Before a suite of an hour, what can be wrong here.
    if Launch.current.rank == 0 { _ = try rows() }
    try suite.run(fingerprint: given.fingerprint) { report, folder in
      try write(try parts(), suite: report, to: folder)
    }
  }

  /// The training's name in the suite's tables: that of its folder, as far as it can be one.
  private var label: String {
    let name = String(decoding: Path(path).lastComponent, as: UTF8.self)
      .filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }.prefix(32)
    return name.isEmpty || catalog.baseline(spelled: String(name)) != nil ? "L2L" : String(name)
  }

  // MARK: - What is told

  private struct Parts {
    var facts: [(String, String)]
    var rows: [TrainingReport.Row]
    var heldOut: TrainingReport.HeldOut
  }

  private func rows() throws -> [TrainingReport.Row] {
    let file = "\(path)/\(MetricsFile.name)"
    let bytes = try FileReader(path: file, limit: 1 << 31).bytes()
    guard let rows = TrainingReport.rows(ofTable: String(decoding: bytes, as: UTF8.self)) else {
      throw Failure(
        .badData, "'\(file)' is no table of a training; give the --save_path of l2l train")
    }
    return rows
  }

  private func parts() throws -> Parts {
    let rows = try rows()
    guard let origin = Origin(ofSaved: path) else {
      throw Failure(
        .missing,
        "'\(path)' holds no saved optimizer that says what it was trained on; give the folder of a"
          + " training that has evaluated once")
    }
    try takeWorkSpace()
    let entry = try catalog.problem(named: origin.problem)
    let nets = try LearnedNets(catalog: catalog, problem: entry, options: origin.options).load(
      overrides: [:], path: path, seed: settings.seed)
    let built = try makeProblem(
      entry, options: origin.options, split: settings.split, directory: settings.dataDirectory)
    let experiment = try makeExperiment(
      built, named: origin.problem, nets: nets.nets, path: path)
    let steps = settings.stepCount ?? origin.training?.stepCount ?? 100
    let evaluation = try Unroller(experiment, weights: nets.weights).evaluate(
      epochs: settings.epochCount, stepCount: steps, unrollLength: steps, seed: settings.seed,
      phase: .test, group: SoleProcess(), curves: true)
    let curves = evaluation.curves.map { curve in
      let losses = curve.map { Double($0) }
      return losses + [Double](repeating: .infinity, count: max(steps + 1 - losses.count, 0))
    }
    let split = built.dataset == nil ? "" : ", \(settings.split.rawValue) split"
    return Parts(
      facts: facts(origin, nets), rows: rows,
      heldOut: TrainingReport.HeldOut(
        curves: curves,
        words: "\(curves.count) optimizees of \(origin.words)\(split), \(steps) steps,"
          + " seed \(settings.seed)", seed: settings.seed))
  }

  private func facts(_ origin: Origin, _ nets: TrainedNets) -> [(String, String)] {
    var facts = [("problem", origin.words)]
    for net in nets.nets {
      let kind = type(of: net.optimizer).name
      facts.append(
        ("net \(net.key)", "\(kind) with \(net.optimizer.weightCount) weights"))
    }
    if let training = origin.training {
      for (name, value) in training.json.sorted(by: { $0.key < $1.key })
      where name != "problem" && name != "problem_option" && value != .null {
        facts.append((name, value.string ?? value.text))
      }
    }
    return facts + [("reported by", "l2l \(programVersion)")]
  }

  private func write(_ parts: Parts, suite: SuiteReport?, to folder: String) throws {
    let report = TrainingReport(
      title: "Training \(String(decoding: Path(path).lastComponent, as: UTF8.self))",
      facts: parts.facts, rows: parts.rows, heldOut: parts.heldOut, suite: suite)
    for line in report.lines + (suite?.lines ?? []) { StandardOutput.write(line) }
    for (name, text) in report.files { try AtomicFile.write(text, to: "\(folder)/\(name)") }
    StandardError.notice("the report is in '\(folder)/report.html' and report.md, data beside them")
  }
}
