import ArgumentParser
import Catalogs
import MetaTraining
import Settings

/// What `train` can be told: the training's options and how this run of it is done.
struct TrainSettings: Configurable {
  var training = TrainingOptions()
  var savePath: String?
  var resumes = false
  var dataDirectory: String?
  var checkpointPeriod: Int?
  var maxTime: Double?
  var collectiveTimeout = 600.0
  var logDirectory: String?
  var isVerbose = false
  var recipe: String?

  static let settings: [Setting<TrainSettings>] =
    TrainingOptions.settings.map { $0.within(\.training) } + [
      Setting(
        "recipe", \.recipe, effect: .run, placeholder: "NAME",
        "start from the settings of a recipe, which others given replace; `l2l list` shows all"),
      Setting(
        "save_path", \.savePath, effect: .run, placeholder: "FOLDER",
        default: "nothing is saved", "a new folder for the results"),
      Setting(
        "resume", \.resumes, effect: .run, "go on where the training in --save_path stopped"),
      .dataDirectory(\.dataDirectory),
      Setting(
        "checkpoint_period", \.checkpointPeriod, in: .from(1, to: 1e9), effect: .run,
        "epochs between saved states, besides those at evaluations"),
      Setting(
        "max_time", \.maxTime, in: .above(0, below: 1e9), effect: .run, placeholder: "MINUTES",
        "minutes after which the state is saved and the program exits with code 75"),
      .collectiveTimeout(\.collectiveTimeout),
      Setting(
        "log_dir", \.logDirectory, effect: .run, placeholder: "FOLDER",
        "a folder for TensorBoard's event files; made when it does not exist"),
      Setting("verbose", \.isVerbose, effect: .run, "tell where each rank spends its time"),
    ]
}

/// Trains a learned optimizer.
struct Train: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a learned optimizer on a problem.",
    usage: """
      l2l train --problem=NAME --save_path=FOLDER [OPTION ...]
      l2l train --recipe=NAME --save_path=FOLDER [OPTION ...]
      l2l train --resume --save_path=FOLDER [OPTION ...]
      """)

  @OptionGroup var arguments: SettingArguments<TrainSettings>

  static func run(
    _ settings: TrainSettings, given: GivenSettings<TrainSettings>, on catalog: Catalog
  ) throws {
    // Before any folder is made, so that a signal never leaves one without a state in it.
    let session = try TrainingSession(settings, given: given)
    guard let name = settings.recipe else {
      return try TrainingRun(settings: settings, given: given, catalog: catalog).run(in: session)
    }
    guard let recipe = catalog.recipe(named: name) else {
      throw Failure(
        .usage, "there is no recipe '\(name)'\(suggestion(name, catalog.recipes.map(\.name)))")
    }
    try RecipeRun(recipe: recipe, given: given, catalog: catalog).run(in: session)
  }
}
