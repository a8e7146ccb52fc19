import ArgumentParser
import Catalogs
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
  var collectiveTimeout = 600.0

  static let settings: [Setting<CompareSettings>] =
    ProblemChoice.settings.map { $0.within(\.problem) } + [
      Setting(
        "optimizers", \.optimizers, effect: .run, placeholder: "L2L=PATH,Adam,...",
        "Adam, SGD, Momentum, NAG, RMSprop; Adam=0.01 fixes the rate; any other NAME=PATH is a saved"
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
      .collectiveTimeout(\.collectiveTimeout),
    ]

  func check() throws(SettingError) {
    if !tunes, tuningEpochs != nil {
      throw contradiction("--tuning_epochs is for --tune, which is not given")
    }
    if let learningRate, tunes {
      throw contradiction(
        "--learning_rate is for optimizers that are not tuned; leave out --tune, or give"
          + " one optimizer its rate as in Adam=\(learningRate)")
    }
  }

  private func contradiction(_ reason: String) -> SettingError {
    SettingError("tune", in: .commandLine, .contradiction(reason: reason))
  }
}

/// Compares optimizers on the same fresh optimizees.
struct Compare: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare learned and hand-designed optimizers on the same fresh optimizees.",
    usage: "l2l compare --problem=NAME --optimizers=L2L=PATH,Adam,... [--tune] [OPTION ...]",
    discussion: """
      All optimizers get the same optimizees: initial parameters, constants and minibatches. With \
      --tune the learning rate of each hand-designed one is looked for in 19 trials, on optimizees \
      of the training split that are used for nothing else: half decades from 1e-4 to 10, beyond if \
      the best lies at an end, then ever smaller steps beside the best. The trial with the smallest \
      mean final loss wins; one in which a run diverges loses.

      The interval of the mean is a 95% percentile bootstrap of 2,000 resamples. Diverged runs are \
      counted; means leave them out, medians and wins have them lose.

      --output keeps curves.csv (every loss), times.csv, summary.csv (the figures at every step), \
      tuning.csv, result.json, and the figures with their script, drawn by gnuplot.
      """)

  @OptionGroup var arguments: SettingArguments<CompareSettings>

  static func run(
    _ settings: CompareSettings, given: GivenSettings<CompareSettings>, on catalog: Catalog
  ) throws {
    try settings.check()
    try Comparing(settings: settings, given: given, catalog: catalog).run()
  }
}
