internal import Essentials
internal import LearnedOptimizers
internal import MetaGradients
internal import ProcessGroups
internal import Safetensors
internal import Tensors
public import Unrolling

extension MetaTrainer {
  /// The state before the first epoch of a training with these options.
  public static func initialState(
    of experiment: Experiment, options: TrainingOptions
  ) -> TrainingState {
    TrainingState(weights: experiment.initialWeights(seed: options.seed), options: options)
  }

  // MARK: - Reports

  func reportLogPeriod() throws {
    let timings = settings.reportsTimings ? try gatherTimings() : []
    if let observer {
      let tally = state.sinceLog
      var summary = PeriodSummary(
        epoch: state.epoch, meanCost: tally.meanCost ?? .nan,
        meanTime: stopwatch.total / Double(max(stopwatch.epochs, 1)), diverged: tally.diverged,
        optimizees: tally.optimizees, weightNorm: state.weightNorm)
      summary.countsEpochs = countsEpochs
      (summary.metaSteps, summary.timings) = (state.metaSteps, timings)
      summary.gauge = state.gauge
      if stopwatch.total > 0 {
        summary.windowsPerSecond = Double(state.gauge.windows) / stopwatch.total
        summary.innerStepsPerSecond =
          Double(state.gauge.windows * options.unrollLength) / stopwatch.total
      }
      observer.logPeriodEnded(summary)
    }
    stopwatch = Stopwatch()
    state.sinceLog = EpochTally()
    state.metaSteps = MetaStepTally()
    state.gauge = MetaGauge()
    forgetReportedDivergences()
  }

  /// The timings of all processes on rank 0, none on the others.
  private func gatherTimings() throws -> [RankTiming] {
    let mine = RankTiming(
      rank: group.rank, host: group.host, compute: stopwatch.compute, wait: stopwatch.wait,
      reduce: stopwatch.reduce)
    guard let parts = try group.gather([UInt8](try JSONEncoder().encode(mine))) else { return [] }
    return try parts.map { try JSONDecoder().decode(RankTiming.self, from: Data($0)) }
  }

  // MARK: - Evaluation

  /// Saves the state, evaluates, and keeps the nets if they are the best so far.
  ///
  /// A stop leaves the state as it was saved: the evaluation is repeated on resuming.
  func evaluate(_ shouldStop: () -> Bool) throws -> TrainingEnd {
    let trained = state.sinceEvaluation
    if trained.diverged * 2 > trained.optimizees {
      throw TrainingError.mostlyDiverged(
        epoch: state.epoch, diverged: trained.diverged, optimizees: trained.optimizees,
        evaluating: false)
    }
    if options.evaluationEpochs > 0 {
      try saveState()
      let start = clock.now
      unroller.load(state.evaluatedWeights)
      let evaluation: Evaluation
      do {
        evaluation = try unroller.evaluate(
          epochs: options.evaluationEpochs, stepCount: options.stepCount,
          unrollLength: countsEpochs ? options.unrollLength : options.stepCount,
          seed: options.seed, phase: .validation, group: group, updates: settings.recordsUpdates,
          shouldStop: shouldStop)
      } catch is EvaluationStopped {
        return .stopped
      }
      state.sinceEvaluation = EpochTally()
      try conclude(evaluation, seconds: (clock.now - start).inSeconds)
    } else {
      state.sinceEvaluation = EpochTally()
    }
    try saveState()
    return .finished
  }

  private func conclude(_ evaluation: Evaluation, seconds: Double) throws {
    let mean = evaluation.mean
    let isBest = mean.isFinite && mean < state.bestEvaluation ?? .infinity
    if isBest { state.bestEvaluation = mean }
    state.curve.append(EvaluationPoint(epoch: state.epoch, meanFinalLoss: mean))
    if let observer {
      // Normalized losses may be negative, and have no logarithm.
      var summary = PeriodSummary(
        epoch: state.epoch, meanCost: evaluation.meanFinalLoss,
        meanTime: seconds / Double(options.evaluationEpochs),
        diverged: evaluation.divergedCount, optimizees: evaluation.finalLosses.count,
        weightNorm: state.weightNorm)
      summary.countsEpochs = countsEpochs
      summary.updates = zip(experiment.nets, evaluation.updates).map { ($0.key, $1) }
      if experiment.tasks.count > 1 {
        summary.tasks = experiment.tasks.enumerated().map { ($1.name, evaluation.mean(ofTask: $0)) }
      }
      observer.evaluated(summary, isBest: isBest)
    }
    if isBest, group.rank == 0 { try store?.saveBest(state, evaluation: mean) }
    if evaluation.divergedCount * 2 > evaluation.finalLosses.count {
      throw TrainingError.mostlyDiverged(
        epoch: state.epoch, diverged: evaluation.divergedCount,
        optimizees: evaluation.finalLosses.count, evaluating: true)
    }
  }

  // MARK: - Saving

  /// From so many bytes on episodes are not copied for saving but written out one by one.
  private static let largeArchive = 64 << 20

  /// Whether a process's episodes are small enough to be in memory twice; the same on all processes.
  var mayKeepTwoOfEpisodes: Bool {
    let example = estimator.start(
      OptimizeeKey(seed: options.seed, phase: .training, epoch: 0, instance: 0),
      in: options.estimationSetting(for: experiment), on: unroller)
    let most = (options.optimizees + group.count - 1) / group.count
    return example.byteCount * most <= 4 * Self.largeArchive
  }

  /// Saves the state with the episodes of all processes; every process must call it.
  public func saveState() throws {
    var whole = state
    if group.count == 1, store == nil { return }
    let archive = EpisodeArchive(
      unroller: unroller, seed: options.seed, isPersistent: !countsEpochs,
      isDeferred: state.episodes.reduce(0) { $0 + $1.byteCount } > Self.largeArchive)
    for episode in state.episodes { archive.append(episode, to: &whole.archive) }
    if group.count > 1, !state.episodes.isEmpty || !countsEpochs || state.unroll > 0 {
      guard let parts = try group.gather(try whole.archive.serialized()) else { return }
      whole.archive = SafetensorsFile()
      for part in parts { whole.archive.append(contentsOf: try SafetensorsFile(bytes: part)) }
    }
    if group.rank == 0 { try store?.saveState(whole) }
  }
}

extension Episode {
  /// About how much memory it takes.
  fileprivate var byteCount: Int {
    let sums = perturbation.reduce(0) { $0 + $1.count } * 2
    return walkers.reduce(sums) { sum, walker in
      walker.states.reduce(sum + walker.parameters.count) { sum, state in
        sum + state.tensors.reduce(0) { $0 + $1.count }
      }
    } * MemoryLayout<Float>.size
  }
}
