import Catalogs
import Datasets
internal import Essentials
import Files
import LearnedOptimizers
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Safetensors
import Settings
import Unrolling

/// What is to be trained: the state to start from, and the options.
struct TrainingPlan {
  let settings: TrainSettings
  let given: GivenSettings<TrainSettings>
  let catalog: Catalog

  /// Whether the training goes on where there is one to go on with, as one of a recipe does.
  var resumesWhereItCan = false

  private var savePath: String? { settings.savePath }

  /// Whether there must be a training to go on with.
  private var mustResume: Bool { settings.resumes && !resumesWhereItCan }

  /// The state to start from with its options, as the contents of a training-state file; makes the
  /// folder of a new training, so that an unwritable one is found before any work.
  func make(ranks: Int) throws -> (contents: SafetensorsFile, logs: TrainingLogs) {
    try takeWorkSpace()
    let claimed = try claimFolder()
    do {
      return try make(ranks: ranks, claimed)
    } catch {
      Folder.remove(claimed.made)
      throw error
    }
  }

  /// The folder, as it is once it belongs to this process.
  private struct ClaimedFolder {
    var state = FolderState.missing
    /// Folders that were made for it.
    var made: [String] = []
    /// Lasts as long as the process.
    var claim: FolderClaim?
  }

  /// Makes the folder where it is missing, and claims it.
  ///
  /// What an earlier start has left, killed before it had saved a state, is taken over.
  private func claimFolder() throws -> ClaimedFolder {
    guard let savePath else { return ClaimedFolder() }
    var folder = ClaimedFolder(state: try state(of: savePath))
    try require(folder.state, in: savePath)
    if folder.state == .missing { folder.made = try Folder.make(savePath) }
    do {
      folder.claim = try FolderClaim(savePath)
      // Another process may have been here in between.
      folder.state = try state(of: savePath)
      try require(folder.state, in: savePath)
    } catch {
      Folder.remove(folder.made)
      throw error
    }
    return folder
  }

  private func state(of savePath: String) throws -> FolderState {
    do {
      return try TrainingFolder.state(of: savePath)
    } catch FileError.cannotRead(_, _, let code) {
      if mustResume, code == ENOENT || code == ENOTDIR { throw nothingToResume(in: savePath) }
      throw Failure(
        .cannotWrite,
        "'\(savePath)' exists already, but can't be used as a folder:"
          + " \(String(cString: strerror(code))); choose another --save_path")
    }
  }

  private func nothingToResume(in savePath: String) -> Failure {
    Failure(
      .missing,
      "there is no training to resume: '\(TrainingFolder.statePath(in: savePath))' does not"
        + " exist; leave out --resume to start one")
  }

  /// Checks that a training can start, or go on, in a folder.
  private func require(_ state: FolderState, in savePath: String) throws {
    switch (state, mustResume) {
    case (.resumable, _) where settings.resumes: return
    case (.fresh, _), (.missing, false): return
    case (.missing, true), (.foreign, true):
      throw nothingToResume(in: savePath)
    case (.resumable, _):
      throw Failure(
        .cannotWrite,
        "'\(savePath)' exists already; choose another --save_path, or go on with the"
          + " training in it by --resume")
    case (.foreign(let name), false):
      throw Failure(
        .cannotWrite,
        "'\(savePath)' exists already and holds '\(name)', which is no training's; choose another"
          + " --save_path")
    }
  }

  private func make(
    ranks: Int, _ claimed: ClaimedFolder
  ) throws -> (contents: SafetensorsFile, logs: TrainingLogs) {
    let saved = claimed.state == .resumable ? try savedState() : nil
    if mustResume, saved == nil {
      guard savePath != nil else {
        throw Failure(.usage, "--resume needs the --save_path of the training to go on with")
      }
      guard given.contains("problem") else {
        throw Failure(
          .missing,
          "the training in '\(savePath ?? "")' was stopped before it had saved anything; start it"
            + " again with all of its options; leave out --resume")
      }
      StandardError.notice("'\(savePath ?? "")' has no state yet: the training starts")
    }
    let options = try saved.map(resumedOptions) ?? freshOptions(ranks: ranks)
    try checkCounting(options)
    let (experiment, dataHash) =
      try saved != nil
      ? Failure.inFile(TrainingFolder.statePath(in: savePath ?? "")) { try makeExperiment(options) }
      : makeExperiment(options)
    if let hash = saved?.metadata["data"], hash != dataHash {
      throw Failure(
        .badData,
        "the data set is not the one that the training in '\(savePath ?? "")' used;"
          + " give its --data_dir")
    }
    let state =
      try saved.map { saved in
        try Failure.inFile(TrainingFolder.statePath(in: savePath ?? "")) {
          try saved.state(for: experiment)
        }
      } ?? started(experiment, options)
    let metadata = Self.metadata(dataHash: dataHash)
    let folder = savePath.map {
      TrainingFolder(path: $0, experiment: experiment, options: options, metadata: metadata)
    }
    var logs = TrainingLogs()
    do {
      try logs.open(
        savePath: savePath, logDirectory: settings.logDirectory, state: state, options: options,
        isNew: saved == nil)
      if saved == nil { try folder?.saveInitialState(state) }
    } catch {
      logs.discard()
      throw error
    }
    let contents = TrainingStateFile.contents(
      state, options: options, experiment: experiment, metadata: metadata)
    logs.claim = claimed.claim
    return (contents, logs)
  }

  static func metadata(dataHash: String) -> [String: String] {
    var metadata = ["program_version": programVersion, "data": dataHash]
    // Set by Scripts/l2l: which sources an optimizer comes from.
    metadata["commit"] = ProcessInfo.processInfo.environment["L2L_COMMIT"]
    return metadata
  }

  func makeExperiment(
    _ options: TrainingOptions, announcing: Bool = false
  ) throws -> (Experiment, dataHash: String) {
    try checkEstimation(options)
    let entry = try catalog.problem(named: options.problem)
    let descriptions = try netDescriptions(
      of: entry, overrides: options.netOptions, from: catalog.optimizers)
    let built = try makeProblem(
      entry, options: options.problemOptions, split: .train,
      directory: settings.dataDirectory, announcing: announcing)
    let tasks = built.tasks(named: options.problem)
    let experiment = try Experiment(
      tasks: tasks, trainingTasks: options.trainingTasks(tasks),
      nets: try descriptions.map { try $0.assignment(from: catalog.optimizers) })
    try checkFrozen(options, experiment)
    return (experiment, built.dataHash)
  }

  /// The state that a new training starts from.
  private func started(
    _ experiment: Experiment, _ options: TrainingOptions
  ) throws -> TrainingState {
    guard let path = options.startFrom else {
      return MetaTrainer.initialState(of: experiment, options: options)
    }
    let saved = try LearnedNets(
      catalog: catalog, problem: try catalog.problem(named: options.problem),
      options: options.problemOptions
    ).load(overrides: [:], path: path, seed: options.seed)
    for (net, saved) in zip(experiment.nets, saved.nets) {
      let (wanted, found) = (net.optimizer.options, saved.optimizer.options)
      // What weights don't depend on may be chosen anew.
      let free = type(of: net.optimizer).adjustableOptions.union(["initializer"])
      let differing = Set(wanted.keys).union(found.keys).subtracting(free)
        .filter { wanted[$0] != found[$0] }.min()
      guard type(of: net.optimizer).name == type(of: saved.optimizer).name, differing == nil else {
        let what =
          differing.map { "\($0) \(found[$0]?.text ?? "absent")" }
          ?? "the class \(type(of: saved.optimizer).name)"
        throw Failure(
          .badData,
          "the net '\(net.key)' of --start_from '\(path)' has \(what); give the same by --net_option"
        )
      }
    }
    return TrainingState(weights: saved.weights, options: options)
  }

  /// Checks that what is given for a new training does not contradict itself.
  ///
  /// - Throws: `Failure`, `SettingError`.
  func checkNew(ranks: Int) throws {
    let options = try freshOptions(ranks: ranks)
    try checkCounting(options)
    try checkEstimation(options)
  }

  private func freshOptions(ranks: Int) throws -> TrainingOptions {
    var options = settings.training
    if !given.contains("optimizees") { options.optimizees = ranks }
    try options.check()
    return options
  }

  private func savedState() throws -> TrainingStateFile {
    let path = TrainingFolder.statePath(in: savePath ?? "")
    return try Failure.inFile(path) {
      try TrainingStateFile(try SafetensorsFile(contentsOf: path))
    }
  }

  /// The saved options with what the user gives anew: only when to end and what to report may
  /// change, all else decides the numbers.
  private func resumedOptions(_ saved: TrainingStateFile) throws -> TrainingOptions {
    var all = TrainSettings()
    all.training = saved.options
    try given.apply(to: &all)
    for setting in TrainingOptions.settings
    where !setting.effect.mayChange && !setting.isEqual(saved.options, all.training) {
      throw Failure(
        .usage,
        "the training in '\(savePath ?? "")' has \(setting.name)"
          + " \(setting.text(of: saved.options)), which can't become"
          + " \(setting.text(of: all.training)) on resuming; leave the option out, or start a new"
          + " training from this one's optimizer with --start_from=\(savePath ?? "")")
    }
    try all.training.check()
    try checkExtent(saved.options, all.training)
    return all.training
  }
}
