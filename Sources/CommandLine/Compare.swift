import ArgumentParser
import Catalogs
import Comparison
import Datasets
import Settings

/// What `compare` can be told.
struct CompareSettings: Configurable {
  var problem = ProblemChoice()
  var optimizers: [String] = []
  var named: [String] = []
  var tunes = false
  var tuningEpochs: Int?
  var learningRate: Float?
  var epochCount = 100
  var stepCount = 100
  var seed: UInt64 = 0
  var split = DatasetSplit.test
  var output: String?
  var suite: String?
  var trials: Int?
  var search = SearchScope.rate
  var horizons: [Int] = []
  var envelope: String?
  var resumes = false
  var collectiveTimeout = 600.0

  static let settings: [Setting<CompareSettings>] =
    ProblemChoice.settings.map { $0.within(\.problem) } + [
      Setting(
        "optimizers", \.optimizers, effect: .run, placeholder: "L2L=PATH,Adam,...",
        "hand-designed ones (`l2l list`); Adam=0.01 fixes the rate; any other NAME=PATH is a saved"
          + " optimizer under that name; given more than once, lists add up"),
      Setting(
        "optimizer", \.named, effect: .run, placeholder: "NAME=PATH",
        "one more of them, with any characters in its path; repeatable"),
      Setting("tune", \.tunes, effect: .run, "tune the learning rates that are not given"),
      Setting(
        "tuning_epochs", \.tuningEpochs, in: .from(1, to: 1e6), effect: .run, default: "50",
        "optimizees of each trial"),
      Setting(
        "learning_rate", \.learningRate, in: .atLeast(0), effect: .run, default: "0.001",
        "of hand-designed optimizers without one, when they are not tuned"),
      Setting(
        "num_epochs", \.epochCount, in: .from(1, to: 1e7), effect: .run,
        "optimizees that the result is measured on"),
      Setting("num_steps", \.stepCount, in: .from(1, to: 1e7), effect: .run, "steps of each"),
      Setting("seed", \.seed, effect: .run, "of all random numbers"),
      Setting("split", \.split, effect: .run, "the part of a data set"),
      Setting(
        "output", \.output, effect: .run, placeholder: "FOLDER",
        "a new folder for data and figures"),
      Setting(
        "suite", \.suite, effect: .run, placeholder: "NAME|FILE", default: "one problem",
        "compare on all tasks of a suite, small or standard, or of a JSON file; all is tuned"),
      Setting(
        "trials", \.trials, in: .from(1, to: 10_000), effect: .run,
        default: "19, or the suite's",
        "trials of each optimizer that is tuned; 11 at least where rates are searched"),
      Setting(
        "search", \.search, effect: .run,
        "what is tuned in a suite: the learning rate alone, or all there is"),
      Setting(
        "horizons", \.horizons, in: .from(1, to: 1000), effect: .run, default: "1",
        "how many times a suite's steps are taken, as 1,5,25; each is tuned for itself"),
      Setting(
        "envelope", \.envelope, effect: .run, placeholder: "FILE", default: "none",
        "envelopes of a suite's tasks, as `l2l envelope` makes them: speedups over these too"),
      Setting(
        "resume", \.resumes, effect: .run, "go on with the suite in --output where it stopped"),
      .collectiveTimeout(\.collectiveTimeout),
    ]

  func check() throws(SettingError) {
    if !tunes, suite == nil, tuningEpochs != nil {
      throw contradiction("--tuning_epochs is for --tune, which is not given")
    }
    if !tunes, suite == nil, trials != nil {
      throw contradiction("--trials is for --tune, which is not given")
    }
    if tunes, let trials, trials < LearningRateSearch.gridCount {
      throw contradiction(
        "--trials must be at least the \(LearningRateSearch.gridCount) of the grid, not \(trials)")
    }
    if let learningRate, tunes {
      throw contradiction(
        "--learning_rate is for optimizers that are not tuned; leave out --tune, or give"
          + " one optimizer its rate as in Adam=\(learningRate)")
    }
  }

  /// Checks what goes with a suite, and what only with one.
  func checkSuite(_ given: GivenSettings<CompareSettings>) throws {
    guard suite != nil else {
      for name in ["search", "horizons", "envelope", "resume"] where given.contains(name) {
        throw Failure(.usage, "--\(name) is for --suite, which is not given")
      }
      return
    }
    for name in ["problem", "problem_option", "net_option", "num_steps", "learning_rate", "tune"]
    where given.contains(name) {
      throw Failure(
        .usage, "--\(name) does not go with --suite, whose tasks say it; leave it out")
    }
    guard let output, !output.isEmpty else {
      throw Failure(.usage, "--suite needs --output=FOLDER for its report and data")
    }
    if search == .rate, let trials, trials < LearningRateSearch.gridCount {
      throw Failure(
        .usage,
        "--trials must be at least the \(LearningRateSearch.gridCount) of the grid, not \(trials)")
    }
  }

  private func contradiction(_ reason: String) -> SettingError {
    SettingError("tune", in: .commandLine, .contradiction(reason: reason))
  }
}

/// What is tuned.
enum SearchScope: String, CaseIterable, Sendable {
  /// The learning rate.
  case rate
  /// Momentum, weight decay and schedule too.
  case all
}

/// Compares optimizers on the same fresh optimizees.
struct Compare: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare learned and hand-designed optimizers on the same fresh optimizees.",
    usage: """
      l2l compare --problem=NAME --optimizers=L2L=PATH,Adam,... [--tune] [OPTION ...]
      l2l compare --suite=NAME --output=FOLDER --optimizers=L2L=PATH,... [OPTION ...]
      """,
    discussion: """
      All optimizers get the same optimizees: initial parameters, constants and minibatches. With \
      --tune the learning rate of each hand-designed one is looked for in 19 trials, on optimizees \
      of the training split that are used for nothing else: half decades from 1e-4 to 10, beyond if \
      the best lies at an end, then ever smaller steps beside the best. The trial with the smallest \
      mean final loss wins; one in which a run diverges loses.

      The interval of the mean is a 95% percentile bootstrap of 2,000 resamples. Diverged runs are \
      counted; means leave them out, medians and wins have them lose.

      --suite measures on many tasks that differ from what optimizers were trained on. Each \
      hand-designed one, and each learned one that has a learning rate, gets the same number of \
      trials on each task. Without hand-designed ones in the list, the suite's own take part. \
      --output gets report.html, report.md and CSV files of every number; a run that was stopped \
      goes on by --resume, which also takes further optimizers into a suite that is done.

      --output of one problem keeps curves.csv (every loss), times.csv, summary.csv (the figures at every step), \
      tuning.csv, result.json, and the figures with their script, drawn by gnuplot.
      """)

  @OptionGroup var arguments: SettingArguments<CompareSettings>

  static func run(
    _ settings: CompareSettings, given: GivenSettings<CompareSettings>, on catalog: Catalog
  ) throws {
    try settings.check()
    try settings.checkSuite(given)
    guard settings.suite == nil else {
      return try SuiteComparing(settings: settings, given: given, catalog: catalog).run()
    }
    try Comparing(settings: settings, given: given, catalog: catalog).run()
  }
}
