import ArgumentParser
import Catalogs
import Comparison
import Datasets
import Files
import Problems
import ProcessGroups
import Settings
import Unrolling

/// What `envelope` can be told.
struct EnvelopeSettings: Configurable {
  var problem = ProblemChoice()
  var name: String?
  var stepCount = 100_000
  var seedCount = 5
  var seed: UInt64 = 0
  var output: String?
  var resumes = false
  var collectiveTimeout = 600.0

  static let settings: [Setting<EnvelopeSettings>] =
    ProblemChoice.settings.filter { $0.name != "net_option" }.map { $0.within(\.problem) } + [
      Setting(
        "name", \.name, effect: .run, placeholder: "NAME",
        default: "the problem with its options",
        "the task's name in the file, by which a suite's tasks find it"),
      Setting(
        "num_steps", \.stepCount, in: .from(10, to: 1e6), effect: .run,
        "steps of each run, a multiple of 10"),
      Setting(
        "num_epochs", \.seedCount, in: .from(1, to: 1000), effect: .run,
        "optimizees of each rule and rate"),
      Setting("seed", \.seed, effect: .run, "of all random numbers"),
      Setting(
        "output", \.output, effect: .run, placeholder: "FOLDER", "a new folder for the envelope"),
      Setting("resume", \.resumes, effect: .run, "go on with the runs in --output"),
      .collectiveTimeout(\.collectiveTimeout),
    ]

  func check() throws(SettingError) {
    guard stepCount.isMultiple(of: EnvelopeProtocol.period) else {
      throw refuse("num_steps", expected: "a multiple of \(EnvelopeProtocol.period)")
    }
  }
}

/// Makes the envelope of a problem.
struct Envelope: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "envelope",
    abstract: "Find out by which step tuned hand-designed optimizers reach which loss.",
    usage: "l2l envelope --problem=NAME --output=FOLDER [OPTION ...]",
    discussion: """
      By the protocol of google/learned_optimization: Adam with a rate that stays, one that falls with \
      the root of the step and one that falls exponentially, and RAdam, each with 15 rates from 1e-7 \
      to 1 and 5 optimizees, on the train split; of their mean losses, smoothed, the least. \
      FOLDER/envelope.json is what `l2l compare --suite --envelope` takes, FOLDER/rules.csv has the \
      smoothed losses of each rule and rate. A run that was stopped goes on by --resume.
      """)

  @OptionGroup var arguments: SettingArguments<EnvelopeSettings>

  static func run(
    _ settings: EnvelopeSettings, given: GivenSettings<EnvelopeSettings>, on catalog: Catalog
  ) throws {
    try settings.check()
    guard let output = settings.output, !output.isEmpty else {
      throw Failure(.usage, "envelope needs --output=FOLDER")
    }
    let session = SuiteSession(
      output: output, resumes: settings.resumes, timeout: settings.collectiveTimeout,
      fingerprint: given.fingerprint)
    try session.run { announcing in
      try EnvelopeMaking(settings: settings, catalog: catalog).plan(announcing: announcing)
    } finish: { plan, results, folder in
      try EnvelopeMaking(settings: settings, catalog: catalog).write(plan, results, to: folder)
    }
  }
}

/// One call of `envelope`.
private struct EnvelopeMaking {
  let settings: EnvelopeSettings
  let catalog: Catalog

  /// One task, trained and measured on the train split.
  func plan(announcing: Bool) throws -> SuiteSession.Plan {
    let name = settings.problem.name ?? "simple"
    let options = settings.problem.options
    let entry = try catalog.problem(named: name)
    try takeWorkSpace()
    let built = try makeProblem(
      entry, options: options, split: .train, directory: settings.problem.dataDirectory,
      announcing: announcing)
    let words = options.isEmpty ? name : "\(name) \(options.settingText)"
    let label = settings.name ?? words
    let tasks = built.tasks(named: name)
    let hash = ContentHash("\(words)\n\(settings.stepCount)\n\(built.dataHash)").value
    return SuiteSession.Plan(
      title: label,
      tasks: [
        SuiteTask(
          name: label, stepCount: settings.stepCount, measured: tasks, tuning: tasks, hash: hash)
      ], problems: [label: words], entrants: EnvelopeProtocol.entrants,
      settings: EnvelopeProtocol.settings(
        stepCount: settings.stepCount, seedCount: settings.seedCount, seed: settings.seed),
      settingsText: "seed \(settings.seed), \(settings.seedCount) optimizees of an envelope")
  }

  func write(
    _ plan: SuiteSession.Plan, _ results: [SuiteResult], to folder: String
  ) throws {
    let steps = plan.settings.points(of: settings.stepCount).map(Double.init)
    let byLabel = Dictionary(results.map { ($0.unit.entrant, $0) }) { first, _ in first }
    var curves: [[LossCurve]] = []
    var table = "rule,step,loss\n"
    for entrant in plan.entrants {
      guard let runs = byLabel[entrant.label]?.runs else {
        throw Failure(.software, "results are missing; please report this")
      }
      curves.append(runs.map { LossCurve(steps: steps, losses: $0.doubles) })
      let own = EnvelopeProtocol.envelope(of: curves.suffix(1))
      for (step, loss) in zip(own.steps, own.losses) {
        table += "\"\(entrant.label)\",\(step),\(loss)\n"
      }
    }
    let envelope = EnvelopeProtocol.envelope(of: curves)
    for share in [0.01, 0.1, 0.2, 0.5, 1] {
      let index = Int((share * Double(envelope.steps.count - 1)).rounded())
      StandardOutput.write("step \(Int(envelope.steps[index])): \(envelope.losses[index])")
    }
    try AtomicFile.write(table, to: "\(folder)/rules.csv")
    try AtomicFile.write(
      EnvelopeFile.text(of: [plan.title: envelope]), to: "\(folder)/envelope.json")
    StandardError.notice("the envelope is in '\(folder)/envelope.json'")
  }
}
