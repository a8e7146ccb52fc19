import Catalogs
internal import Essentials
import Files
import LearnedOptimizers
import MPIGroups
import MetaGradients
import MetaTraining
import ProcessGroups
import Safetensors
import Settings
import Synchronization
import Tensors
import Unrolling

/// What all trainings of one call of `train` share: the processes, and when to stop.
struct TrainingSession {
  let group: any ProcessGroup
  let started = ContinuousClock.now
  private let signals: StopSignals
  private let limit: Duration?

  /// Starts to listen to signals, and finds the other processes, which must have been given the same.
  init(_ settings: TrainSettings, given: GivenSettings<TrainSettings>) throws {
    // Before the folder is made, so that a signal never leaves one without a state in it.
    signals = StopSignals()
    StandardOutput.neverWait()
    limit = settings.maxTime.map { Duration.seconds($0 * 60) }
    group = try Launch.current.group(
      timeout: .seconds(settings.collectiveTimeout), onHang: Program.failHung)
    if let warning = (group as? MPIProcessGroup)?.placementWarning {
      StandardError.notice("warning: \(warning)")
    }
    try group.agree(on: sameProgram() + [("options", ContentHash(given.fingerprint).value)])
  }

  /// Whether a signal came or the time is up.
  var shouldStop: Bool {
    signals.first != nil || limit.map { ContinuousClock.now - started >= $0 } ?? false
  }

  /// Tells when an unroll is to be given up: launchers kill two seconds after they have asked.
  var givesUp: @Sendable () -> Bool {
    let (signals, started, limit) = (signals, started, limit)
    let asked = Mutex<ContinuousClock.Instant?>(nil)
    return {
      guard signals.first != nil || limit.map({ ContinuousClock.now - started >= $0 }) ?? false
      else { return false }
      return asked.withLock { asked in
        let since = asked ?? .now
        asked = since
        return .now - since >= Self.patience
      }
    }
  }
  private static let patience = Duration.milliseconds(100)
}

/// One training.
struct TrainingRun {
  let settings: TrainSettings
  let given: GivenSettings<TrainSettings>
  let catalog: Catalog
  /// What the user types to go on with it, where that is not `--resume` in its folder.
  var resumeCommand: String?

  func run(in session: TrainingSession) throws {
    let group = session.group
    // Rank 0 decides what is trained; from here on all ranks work on the same bytes.
    let plan = TrainingPlan(
      settings: settings, given: given, catalog: catalog, resumesWhereItCan: resumeCommand != nil)
    var logs = TrainingLogs()
    let bytes = try group.decideOnRankZero {
      let made = try plan.make(ranks: group.count)
      logs = made.logs
      return try made.contents.serialized()
    }
    let file = try TrainingStateFile(try SafetensorsFile(bytes: bytes))
    let options = file.options
    let (experiment, dataHash) = try plan.makeExperiment(options, announcing: true)
    let state = try file.state(for: experiment)
    if group.rank == 0 { notify(experiment, options) }
    var runSettings = RunSettings()
    runSettings.checkpointPeriod = settings.checkpointPeriod
    runSettings.reportsTimings =
      settings.isVerbose || settings.savePath != nil || settings.logDirectory != nil
    runSettings.recordsUpdates = settings.logDirectory != nil
    runSettings.givesUp = session.givesUp
    runSettings.agreement = [
      ("program version", ContentHash(programVersion).value),
      (
        "options",
        ContentHash(
          "\(options.fingerprint) \(runSettings.reportsTimings)"
            + " \(runSettings.recordsUpdates)"
        ).value
      ),
      ("data set", ContentHash(dataHash).value),
    ]
    let folder = settings.savePath.map {
      TrainingFolder(
        path: $0, experiment: experiment, options: options,
        metadata: TrainingPlan.metadata(dataHash: dataHash), rows: logs.rows)
    }
    let estimator = try catalog.estimator(for: options)
    let countsEpochs = options.countsEpochs(with: estimator)
    let terminal = TerminalObserver(tellsTimings: settings.isVerbose, countsEpochs: countsEpochs)
    let trainer = MetaTrainer(
      experiment: experiment, options: options,
      estimator: estimator, state: state, group: group,
      settings: runSettings,
      store: folder, observer: ObserverGroup([terminal] + logs.observers))
    if settings.resumes, resumeCommand == nil, trainer.isFinished {
      StandardError.notice(
        "the training has had all of its \(state.epoch) \(countsEpochs ? "epochs" : "meta-steps");"
          + " --num_\(countsEpochs ? "epochs" : "meta_steps") with more goes on")
    }
    let end: TrainingEnd
    do {
      end = try trainer.run { session.shouldStop }
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

  /// Which of the evaluated optimizers is the saved one; nothing where none was evaluated.
  private func kept(_ trainer: MetaTrainer) -> String {
    let best = trainer.state.bestEvaluation
    guard let point = trainer.state.curve.first(where: { $0.meanFinalLoss == best }) else {
      return ""
    }
    let unit = trainer.countsEpochs ? "epoch" : "meta-step"
    let loss = String(format: "%.4g", point.meanFinalLoss)
    return ", that of \(unit) \(point.epoch) with a mean final loss of \(loss)"
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
      if let savePath = settings.savePath {
        StandardError.notice(
          "the optimizer is saved in '\(savePath)'\(kept(trainer))")
      }
    case .stopped:
      try folder?.flush()
      try logs.flush()
      let unit = trainer.countsEpochs ? "epoch" : "meta-step"
      let place = "stopped in \(unit) \(trainer.state.epoch + 1)"
      guard let savePath = settings.savePath else {
        throw SharedFailure(
          Failure(.interrupted, "\(place); nothing is saved without --save_path"))
      }
      let words =
        ["--save_path=\(savePath)"] + (settings.dataDirectory.map { ["--data_dir=\($0)"] } ?? [])
        + (settings.logDirectory.map { ["--log_dir=\($0)"] } ?? [])
      let command =
        resumeCommand
        ?? (["l2l train --resume"] + words.map(ShellWord.quoted)).joined(separator: " ")
      throw SharedFailure(Failure(.stopped, "\(place), state saved; go on with: \(command)"))
    }
  }
}
