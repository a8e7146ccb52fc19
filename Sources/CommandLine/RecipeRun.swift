import Catalogs
import Datasets
import Files
import LearnedOptimizers
import MetaTraining
import Problems
import ProcessGroups
import Settings
import Unrolling

/// Trains as a recipe says, with what the user gave in place of its settings.
///
/// The last phase's folder is `save_path`; those of the others stand beside it, named for it, the
/// phase and the seed. `--resume` goes on with whatever there is.
struct RecipeRun {
  let recipe: Recipe
  let given: GivenSettings<TrainSettings>
  let catalog: Catalog

  /// The settings of the phases as the user would have typed them.
  static func arguments(of recipe: Recipe) throws -> [[String]] {
    try prepared(recipe).map(\.arguments)
  }

  private static func prepared(_ recipe: Recipe) throws -> [GivenSettings<TrainSettings>] {
    try recipe.phases.map { phase in
      var settings = GivenSettings<TrainSettings>(in: .recipe(recipe.name))
      for (name, value) in phase.settings { try settings.add(name, value) }
      return settings
    }
  }

  func run(in session: TrainingSession) throws {
    let phases = zip(recipe.phases, try Self.prepared(recipe)).map { phase, prepared in
      given.without(["recipe"] + phase.fixed).replacing(in: prepared)
    }
    let settings = try phases.map(applied)
    guard recipe.phases.count > 1 else {
      show(recipe.phases[0].name, phases[0])
      return try TrainingRun(settings: settings[0], given: phases[0], catalog: catalog)
        .run(in: session)
    }
    guard let path = settings[0].savePath else {
      throw Failure(
        .usage, "--recipe=\(recipe.name) needs a --save_path: its trainings follow each other")
    }
    _ = try session.group.decideOnRankZero {
      if !settings[0].resumes { try requireNew(path) }
      // What a later phase can't be trained with is told before the first one has been trained.
      for (phase, settings) in zip(phases, settings) {
        try TrainingPlan(settings: settings, given: phase, catalog: catalog)
          .checkNew(ranks: session.group.count)
      }
      return []
    }
    var found: [(path: String, loss: Double)] = []
    for start in 0..<recipe.starts {
      let seed = settings[0].training.seed + UInt64(100 * start)
      var last: String?
      for index in recipe.phases.indices.dropLast() {
        let folder = "\(path)-\(recipe.phases[index].name)-\(seed)"
        try train(index, phases[index], seed: seed, from: last, into: folder, in: session)
        last = folder
      }
      if let last {
        let loss =
          recipe.starts > 1
          ? try validated(last, settings[recipe.phases.count - 2], in: session) : 0
        found.append((last, loss))
      }
    }
    let best = found.min { $0.loss < $1.loss }?.path
    let index = recipe.phases.count - 1
    try train(
      index, phases[index], seed: settings[index].training.seed, from: best, into: path,
      in: session)
  }

  private func applied(_ given: GivenSettings<TrainSettings>) throws -> TrainSettings {
    var settings = TrainSettings()
    try given.apply(to: &settings)
    return settings
  }

  private func requireNew(_ path: String) throws {
    guard Path(path).ownStatus != nil else { return }
    throw Failure(
      .cannotWrite,
      "'\(path)' exists already; choose another --save_path, or go on with the recipe by --resume")
  }

  private func show(_ phase: String, _ settings: GivenSettings<TrainSettings>) {
    let words = settings.without(["save_path", "resume"]).arguments.map(ShellWord.quoted)
    StandardError.notice(
      "recipe \(recipe.name), \(phase): l2l train \(words.joined(separator: " "))")
  }

  private func train(
    _ index: Int, _ phase: GivenSettings<TrainSettings>, seed: UInt64, from start: String?,
    into folder: String, in session: TrainingSession
  ) throws {
    var changes: [String: String] = ["seed": "\(seed)", "save_path": folder, "resume": "true"]
    // A training under way holds what it started from, and the path that it was given then.
    let isUnderWay = try session.group.decideOnRankZero {
      [Path(TrainingFolder.statePath(in: folder)).status != nil ? 1 : 0]
    }
    changes["start_from"] = isUnderWay == [1] ? nil : start
    let settings = try GivenSettings<TrainSettings>(changes, in: .recipe(recipe.name))
      .replacing(in: phase)
    show("\(recipe.phases[index].name) with seed \(seed)", settings)
    try TrainingRun(
      settings: try applied(settings), given: settings, catalog: catalog,
      resumeCommand: resumeCommand
    ).run(in: session)
  }

  /// What goes on with all of it.
  private var resumeCommand: String {
    (["l2l train"] + given.without(["resume"]).arguments.map(ShellWord.quoted) + ["--resume"])
      .joined(separator: " ")
  }

  /// The mean final loss on optimizees of the train split other than those of the training's own
  /// evaluations, as a choice between trainings may not look at the test split.
  private func validated(
    _ folder: String, _ settings: TrainSettings, in session: TrainingSession
  ) throws -> Double {
    let bytes = try session.group.decideOnRankZero {
      let options = settings.training
      let entry = try catalog.problem(named: options.problem)
      let nets = try LearnedNets(
        catalog: catalog, problem: entry, options: options.problemOptions
      ).load(
        overrides: [:], path: folder, seed: 1)
      let built = try makeProblem(
        entry, options: options.problemOptions, split: .train, directory: settings.dataDirectory,
        announcing: false)
      let experiment = try Experiment(tasks: built.tasks(named: entry.name), nets: nets.nets)
      let mean: Double
      do {
        mean = try Unroller(experiment, weights: nets.weights).evaluate(
          epochs: 2 * max(options.evaluationEpochs, 1), stepCount: options.stepCount,
          unrollLength: options.stepCount, seed: 1, phase: .test, group: SoleProcess(),
          shouldStop: { session.shouldStop }
        ).mean
      } catch is EvaluationStopped {
        throw Failure(
          .stopped, "stopped between two trainings, all saved; go on with: \(resumeCommand)")
      }
      StandardError.notice("'\(folder)' ends at \(mean) in validation")
      return withUnsafeBytes(of: mean.bitPattern.littleEndian) { Array($0) }
    }
    let bits = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Double(bitPattern: bits)
  }
}
