import ArgumentParser
import Datasets
import DistributedTraining
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems
import Safetensors

/// Trains a learned optimizer.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a learned optimizer on a problem.")

  @OptionGroup var problem: ProblemArguments

  @Option(name: .customLong("save_path"), help: "A new folder for the results.")
  var savePath: String?
  @Option(name: .customLong("num_epochs"), help: "Training epochs. (default: 10000)")
  var epochCount: Int?
  @Option(name: .customLong("log_period"), help: "Epochs between log lines. (default: 100)")
  var logPeriod: Int?
  @Option(
    name: .customLong("evaluation_period"), help: "Epochs between evaluations. (default: 1000)")
  var evaluationPeriod: Int?
  @Option(name: .customLong("evaluation_epochs"), help: "Epochs of an evaluation. (default: 20)")
  var evaluationEpochs: Int?
  @Option(name: .customLong("num_steps"), help: "Steps of an epoch. (default: 100)")
  var stepCount: Int?
  @Option(name: .customLong("unroll_length"), help: "Steps of an unroll. (default: 20)")
  var unrollLength: Int?
  @Option(name: .customLong("learning_rate"), help: "Of the nets' weights. (default: 0.001)")
  var learningRate: Float?
  @Flag(
    name: .customLong("second_derivatives"), inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Let the meta-gradient flow through the optimizee's gradients. (default: false)")
  var secondDerivatives: Bool?
  @Option(
    name: .customLong("learning_rate_half_life"),
    help: "Epochs in which the learning rate halves. (default: it stays)")
  var halfLife: Double?
  @Option(
    name: .customLong("clip_norm"),
    help:
      "The largest norm of an optimizee's meta-gradient; longer ones are shortened. (default: none)"
  )
  var clipNorm: Double?
  @Option(
    name: .customLong("adjoint_limit"),
    help:
      "How many times longer second derivatives may make the adjoints of the optimizee's parameters. (default: no limit)"
  )
  var adjointLimit: Double?
  @Option(
    name: .customLong("adjoint_smoothing"),
    help:
      "Take second derivatives through gradients below so many of their root mean squares as if they were of that size. (default: none)"
  )
  var adjointSmoothing: Double?
  @Option(
    name: .customLong("average_steps"),
    help: "Evaluate and save a moving average of the weights over so many meta-steps.")
  var averageSteps: Double?
  @Option(
    name: .customLong("start_from"),
    help: "A saved optimizer to start from: its folder, the file of the one net, or 'pretrained'.")
  var startFrom: String?
  @Option(
    name: .customLong("meta_loss"),
    help:
      "What is minimized: the sum of an unroll's losses, or of their logs, or the log of the final one. (default: sum)"
  )
  var metaLoss: MetaLoss?
  @Option(name: .customLong("seed"), help: "Of all random numbers. (default: 0)")
  var seed: UInt64?
  @Option(
    name: .customLong("optimizees"),
    help: "Optimizees unrolled for one meta-step. (default: the number of processes)")
  var optimizees: Int?
  @Flag(name: .customLong("resume"), help: "Go on where the training in --save_path stopped.")
  var resume = false

  @Option(
    name: .customLong("checkpoint_period"),
    help: "Epochs between saved states, besides those at evaluations.")
  var checkpointPeriod: Int?
  @Option(
    name: .customLong("max_time"),
    help: "Minutes after which the state is saved and the program exits with code 75.")
  var maxTime: Double?
  @Option(
    name: .customLong("collective_timeout"),
    help: "Seconds until a rank that does not answer counts as hung.")
  var collectiveTimeout = 600.0
  @Option(
    name: .customLong("log_dir"),
    help: "A folder for TensorBoard's event files; made when it does not exist.")
  var logDirectory: String?
  @Flag(name: .customLong("verbose"), help: "Tell where each rank spends its time.")
  var verbose = false

  mutating func run() throws {
    let started = ContinuousClock.now
    try requireRunSettings()
    // Before the folder is made, so that a signal never leaves one without a state in it.
    let signals = StopSignals()
    let group = try Launch.current.group(
      timeout: .seconds(collectiveTimeout), onHang: Program.failHung)
    if let warning = (group as? MPIProcessGroup)?.placementWarning {
      StandardError.notice("warning: \(warning)")
    }
    // Rank 0 decides what is trained; from here on all ranks work on the same bytes.
    var logs = TrainingLogs()
    let bytes = try group.decideOnRankZero {
      let plan = try plan(ranks: group.count)
      logs = plan.logs
      return try plan.contents.serialized()
    }
    let file = try TrainingStateFile(try SafetensorsFile(bytes: bytes))
    let options = file.options
    let (experiment, dataHash) = try makeExperiment(options, announcing: true)
    let state = try file.state(for: experiment)
    if group.rank == 0 { notify(experiment, options) }
    if resume, state.epoch >= options.epochCount {
      StandardError.notice(
        "the training has had all of its \(state.epoch) epochs; --num_epochs with more goes on")
    }

    var settings = RunSettings()
    settings.checkpointPeriod = checkpointPeriod
    settings.reportsTimings = verbose || savePath != nil || logDirectory != nil
    settings.recordsUpdates = logDirectory != nil
    settings.agreement = [
      ("program version", ContentHash(Program.version).value),
      (
        "options",
        ContentHash(
          "\(JSONValue.object(options.json).text) \(settings.reportsTimings)"
            + " \(settings.recordsUpdates)"
        ).value
      ),
      ("data set", ContentHash(dataHash).value),
    ]
    let folder = savePath.map {
      TrainingFolder(
        path: $0, experiment: experiment, options: options,
        metadata: Self.metadata(dataHash: dataHash), rows: logs.rows)
    }
    let terminal = TerminalObserver(tellsTimings: verbose)
    let trainer = MetaTrainer(
      experiment: experiment, options: options, state: state, group: group, settings: settings,
      store: folder, observer: ObserverGroup([terminal] + logs.observers))
    let limit = maxTime.map { Duration.seconds($0 * 60) }
    let end: TrainingEnd
    do {
      end = try trainer.run {
        signals.first != nil || limit.map { ContinuousClock.now - started >= $0 } ?? false
      }
    } catch let error as TrainingError {
      // All ranks see the same numbers and stop together.
      terminal.clear()
      try folder?.flush()
      try logs.flush()
      throw SharedFailure(Failure(describing: error))
    } catch let error as Disagreement {
      throw SharedFailure(Failure(describing: error))
    }
    terminal.clear()
    try finish(end, trainer, folder, logs)
  }

  private func finish(
    _ end: TrainingEnd, _ trainer: MetaTrainer, _ folder: TrainingFolder?, _ logs: TrainingLogs
  ) throws {
    let isFirst = Launch.current.rank == 0
    switch end {
    case .finished:
      if trainer.state.bestEvaluation == nil, isFirst {
        try folder?.saveNets(trainer.state, evaluation: "none")
      }
      try folder?.flush()
      try logs.flush()
      if let savePath { StandardError.notice("the optimizer is saved in '\(savePath)'") }
    case .stopped:
      try folder?.flush()
      try logs.flush()
      let place = "stopped in epoch \(trainer.state.epoch + 1)"
      guard let savePath else {
        throw SharedFailure(Failure(.stopped, "\(place); nothing is saved without --save_path"))
      }
      throw SharedFailure(
        Failure(
          .stopped,
          "\(place), state saved; go on with: l2l train --resume --save_path=\(savePath)"
            + (problem.dataDirectory.map { " --data_dir=\($0)" } ?? "")
            + (logDirectory.map { " --log_dir=\($0)" } ?? ""))
      )
    }
  }

  // MARK: - What is to be trained

  /// The state to start from with its options, as the contents of a training-state file; makes the
  /// folder of a new training, so that an unwritable one is found before any work.
  private func plan(ranks: Int) throws -> (contents: SafetensorsFile, logs: TrainingLogs) {
    if resume, let savePath { try TrainingFolder.lock(savePath) }
    let saved = try resume ? savedState() : nil
    let options = try saved.map(resumedOptions) ?? freshOptions(ranks: ranks)
    try validate(options)
    let (experiment, dataHash) =
      try resume
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
      } ?? MetaTrainer.initialState(of: try started(experiment, options), options: options)
    let metadata = Self.metadata(dataHash: dataHash)
    let folder = savePath.map {
      TrainingFolder(path: $0, experiment: experiment, options: options, metadata: metadata)
    }
    if let folder, saved == nil {
      try folder.create()
      try TrainingFolder.lock(folder.path)
    }
    var logs = TrainingLogs()
    do {
      try logs.open(
        savePath: savePath, logDirectory: logDirectory, state: state, options: options,
        isNew: saved == nil)
      if saved == nil { try folder?.saveInitialState(state) }
    } catch {
      logs.discard()
      if saved == nil { folder?.removeIfEmpty() }
      throw error
    }
    let contents = TrainingStateFile.contents(
      state, options: options, experiment: experiment, metadata: metadata)
    return (contents, logs)
  }

  private static func metadata(dataHash: String) -> [String: String] {
    var metadata = ["program_version": Program.version, "data": dataHash]
    // Set by Scripts/l2l: which sources an optimizer comes from.
    metadata["commit"] = ProcessInfo.processInfo.environment["L2L_COMMIT"]
    return metadata
  }

  private func makeExperiment(
    _ options: TrainingOptions, announcing: Bool = false
  ) throws -> (Experiment, dataHash: String) {
    let descriptions = try netDescriptions(
      problem: options.problem, overrides: options.netOptions)
    let built = try makeProblem(
      options.problem, options: options.problemOptions, split: .train,
      directory: problem.dataDirectory, announcing: announcing)
    let experiment = try Experiment(
      problem: built.problem,
      nets: try descriptions.enumerated().map {
        try $1.assignment(seed: options.seed, position: $0)
      })
    return (experiment, built.dataset.map { String($0.contentHash(), radix: 16) } ?? "none")
  }

  /// The experiment with the weights that a new training starts from.
  private func started(
    _ experiment: Experiment, _ options: TrainingOptions
  ) throws -> Experiment {
    guard let path = options.startFrom else { return experiment }
    let saved = try learnedNets(
      problem: options.problem, overrides: [:], path: path, seed: options.seed)
    for (net, saved) in zip(experiment.nets, saved) {
      let (wanted, found) = (net.optimizer.options, saved.optimizer.options)
      let differing = Set(wanted.keys).union(found.keys).subtracting(["initializer"])
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
    return try Experiment(problem: experiment.problem, nets: saved)
  }

  private func freshOptions(ranks: Int) throws -> TrainingOptions {
    if let savePath, FileManager.default.fileExists(atPath: savePath) {
      throw Failure(
        .cannotWrite,
        "'\(savePath)' exists already; choose another --save_path, or go on with the"
          + " training in it by --resume")
    }
    var options = TrainingOptions(
      problem: problem.problem ?? "simple", problemOptions: try problem.problemOptionValues())
    options.netOptions = try problem.netOptionValues()
    options.optimizees = ranks
    apply(to: &options)
    return options
  }

  private func savedState() throws -> TrainingStateFile {
    guard let savePath else {
      throw Failure(.usage, "--resume needs the --save_path of the training to go on with")
    }
    let path = TrainingFolder.statePath(in: savePath)
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure(
        .missing,
        "there is no training to resume: '\(path)' does not exist; leave out --resume to"
          + " start one")
    }
    return try Failure.inFile(path) {
      let saved = try TrainingStateFile(try SafetensorsFile(contentsOf: path))
      try validate(saved.options)
      return saved
    }
  }

  /// The saved options with what the user gives anew: only when to end and what to report may
  /// change, all else decides the numbers.
  private func resumedOptions(_ saved: TrainingStateFile) throws -> TrainingOptions {
    var options = saved.options
    apply(to: &options)
    if let name = problem.problem { options.problem = name }
    if !problem.problemOptions.isEmpty {
      options.problemOptions = try problem.problemOptionValues()
    }
    if !problem.netOptions.isEmpty { options.netOptions = try problem.netOptionValues() }
    var allowed = saved.options
    allowed.epochCount = options.epochCount
    allowed.logPeriod = options.logPeriod
    for (name, value) in options.json.sorted(by: { $0.key < $1.key })
    where allowed.json[name] != value {
      throw Failure(
        .usage,
        "the training in '\(savePath ?? "")' has \(name) \(allowed.json[name]?.text ?? ""), which"
          + " can't become \(value.text) on resuming; leave the option out")
    }
    return options
  }

  private func apply(to options: inout TrainingOptions) {
    if let epochCount { options.epochCount = epochCount }
    if let logPeriod { options.logPeriod = logPeriod }
    if let evaluationPeriod { options.evaluationPeriod = evaluationPeriod }
    if let evaluationEpochs { options.evaluationEpochs = evaluationEpochs }
    if let stepCount { options.stepCount = stepCount }
    if let unrollLength { options.unrollLength = unrollLength }
    if let learningRate { options.learningRate = learningRate }
    if let secondDerivatives { options.secondDerivatives = secondDerivatives }
    if let halfLife { options.halfLife = halfLife }
    if let clipNorm { options.clipNorm = clipNorm }
    if let adjointLimit { options.adjointLimit = adjointLimit }
    if let adjointSmoothing { options.adjointSmoothing = adjointSmoothing }
    if let averageSteps { options.averageSteps = averageSteps }
    if let startFrom { options.startFrom = startFrom }
    if let metaLoss { options.metaLoss = metaLoss }
    if let seed { options.seed = seed }
    if let optimizees { options.optimizees = optimizees }
  }
}
