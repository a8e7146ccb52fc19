internal import LearnedOptimizers
public import MetaGradients
public import ProcessGroups
internal import Safetensors
internal import Tensors
public import Unrolling

/// Trains learned optimizers: the outer loop of the paper's section 2.
///
/// Every meta-step each particle walks a window of an optimizee's optimization and estimates the
/// meta-gradient; the estimates are averaged over all particles and the nets' weights take one step.
/// With backpropagation particles are in step: an epoch starts all optimizees anew and is cut into
/// unrolls. Others have times of their own, and one meta-step counts as an epoch does there. Every
/// evaluation period fresh optimizees are unrolled with fixed weights, and the optimizer is kept if
/// their mean final loss is the best so far.
///
/// Every process of the group runs the same loop on its share of the particles and holds the same
/// weights; see `ReproducibleSum` for why they are equal bit for bit.
///
/// ```swift
/// let experiment = try Experiment(
///   problem: Simple(), nets: [NetAssignment(key: "cw", optimizer: CoordinateWiseDeepLSTM())])
/// var options = TrainingOptions()
/// options.epochCount = 100
/// let trainer = MetaTrainer(
///   experiment: experiment, options: options,
///   state: MetaTrainer.initialState(of: experiment, options: options))
/// _ = try trainer.run()
/// try TrainedOptimizer(experiment.nets[0].optimizer, weights: trainer.state.evaluatedWeights[0])
///   .write(to: "cw.safetensors")
/// ```
public final class MetaTrainer {
  /// What is trained.
  public let experiment: Experiment
  /// How.
  public let options: TrainingOptions
  /// Where the training stands.
  public internal(set) var state: TrainingState
  let estimator: any MetaGradientEstimator
  let unroller: Unroller
  let group: any ProcessGroup
  let store: (any TrainingStore)?
  let observer: (any TrainingObserver)?
  let settings: RunSettings
  let clock = ContinuousClock()
  var stopwatch = Stopwatch()
  var reported: Set<Divergence> = []
  private var setting: EstimationSetting
  private lazy var canGiveUp = settings.givesUp != nil && mayKeepTwoOfEpisodes

  /// A training that starts, or goes on, from `state`.
  ///
  /// - Parameter estimator: how meta-gradients are found; the standard one that the options name when
  ///   nil.
  /// - Precondition: there is one.
  public init(
    experiment: Experiment, options: TrainingOptions,
    estimator: (any MetaGradientEstimator)? = nil, state: TrainingState,
    group: any ProcessGroup = SoleProcess(), settings: RunSettings = RunSettings(),
    store: (any TrainingStore)? = nil, observer: (any TrainingObserver)? = nil
  ) {
    self.experiment = experiment
    self.options = options
    guard let estimator = estimator ?? EstimatorEntry.standard.estimator(for: options) else {
      preconditionFailure("no estimator is called \(options.estimator)")
    }
    self.estimator = estimator
    self.state = state
    self.group = group
    self.settings = settings
    self.store = store
    self.observer = group.rank == 0 ? observer : nil
    unroller = Unroller(experiment)
    countsEpochs = options.countsEpochs(with: estimator)
    unrollCount = options.metaStepsCounted(with: estimator)
    epochCount = options.countedEnd(with: estimator)
    setting = options.estimationSetting(for: experiment)
    // Saved episodes are those of all processes.
    self.state.archive = SafetensorsFile()
    let share = group.share(of: options.optimizees)
    self.state.episodes = state.episodes.filter { share.contains($0.key.instance) }
    reported = Set(self.state.episodes.compactMap(\.divergence))
  }

  /// Trains to the end.
  ///
  /// - Parameter shouldStop: asked after every window, and after every step of evaluations; when any
  ///   process of the group says yes, all stop there and the state is saved.
  /// - Throws: `TrainingError`, and whatever the store or the group throw.
  public func run(shouldStop: () -> Bool = { false }) throws -> TrainingEnd {
    try group.agree(on: settings.agreement + state.agreementItems)
    // An earlier run may have stopped between an epoch and its evaluation.
    if state.evaluationIsDue(options), try evaluate(shouldStop) == .stopped { return .stopped }
    while state.epoch < epochCount {
      let (stopping, isWhole) = try trainEpoch(shouldStop)
      if isWhole {
        observer?.epochEnded(state.epoch, of: epochCount)
        if state.epoch.isMultiple(of: options.logPeriod) { try reportLogPeriod() }
      }
      // A stop after the last epoch ends nothing early.
      if stopping && (!isWhole || state.epoch < epochCount) {
        try saveState()
        return .stopped
      }
      if state.evaluationIsDue(options) {
        try group.agree(on: state.agreementItems)
        if try evaluate(shouldStop) == .stopped { return .stopped }
      } else if let period = settings.checkpointPeriod, state.epoch.isMultiple(of: period) {
        try saveState()
      }
    }
    // What was trained since the last evaluation may be the best.
    let rest = state.sinceEvaluation
    if rest.optimizees > 0, try evaluate(shouldStop) == .stopped { return .stopped }
    try saveState()
    return .finished
  }

  /// Whether all particles are in step, so that epochs are counted.
  public let countsEpochs: Bool
  /// Whether all epochs, or meta-steps, have been trained.
  public var isFinished: Bool { state.epoch >= epochCount }
  private let unrollCount: Int
  private let epochCount: Int

  // MARK: - The algorithm

  /// Trains one epoch, or what is left of it, up to a stop after an unroll, or within one that is given
  /// up; says whether to stop, and whether the epoch is at its end.
  private func trainEpoch(
    _ shouldStop: () -> Bool
  ) throws -> (stops: Bool, isWhole: Bool) {
    let start = clock.now
    if state.episodes.isEmpty || (countsEpochs && state.unroll == 0) { startEpisodes() }
    var stopping = false
    var reports: [WindowReport] = []
    while state.unroll < unrollCount {
      let start = clock.now
      setting.metaStep = options.metaStep(after: state, with: estimator)
      // What a window that is given up began with.
      let before: ([Episode], Set<Divergence>)? = canGiveUp ? (state.episodes, reported) : nil
      if canGiveUp { unroller.givesUp = settings.givesUp }
      let estimates = state.episodes.indices.map(estimate)
      unroller.givesUp = nil
      stopwatch.compute += (clock.now - start).inSeconds
      let step = try MetaStep(
        estimates, divergences: state.episodes.map { newCode(of: $0.divergence) },
        weightCounts: unroller.weightCounts, particles: options.optimizees,
        wantsToStop: shouldStop(), hasGivenUp: unroller.hasGivenUp, group: group)
      if step.isGivenUp, let before {
        (state.episodes, reported) = before
        // An epoch that has not begun begins anew.
        if countsEpochs && state.unroll == 0 { state.episodes = [] }
        return (true, false)
      }
      try take(step)
      (reports, stopping) = (step.reports, step.stops)
      state.unroll += 1
      // An epoch that is complete is counted before stopping.
      if stopping && state.unroll < unrollCount { return (true, false) }
    }
    endEpoch(reports)
    stopwatch.total += (clock.now - start).inSeconds
    stopwatch.epochs += 1
    return (stopping, true)
  }

  private func startEpisodes() {
    state.episodes = group.share(of: options.optimizees).map { particle in
      estimator.start(
        options.startKey(of: particle, after: state, with: estimator), in: setting, on: unroller)
    }
  }

  /// A particle's estimate; nil when it has diverged, now or earlier in the epoch.
  private func estimate(_ index: Int) -> MetaGradient? {
    guard state.episodes[index].divergence == nil else { return nil }
    do throws(Divergence) {
      let estimate = try estimator.estimate(
        &state.episodes[index], weights: state.weights, in: setting, on: unroller)
      // One that is too large would spoil the others' steps.
      if estimate.isUsable { return estimate }
      state.episodes[index].divergence = Divergence(
        key: state.episodes[index].key, step: state.episodes[index].position,
        quantity: .metaGradient(net: experiment.nets[0].key))
    } catch {
      if !unroller.hasGivenUp { state.episodes[index].divergence = error }
    }
    return nil
  }

  /// Steps the weights by the mean of all particles' estimates.
  private func take(_ step: MetaStep) throws {
    let start = clock.now
    stopwatch.wait += step.timing.wait
    defer { stopwatch.reduce += step.timing.reduce + (clock.now - start).inSeconds }
    report(step.reports)
    let found = step.reports.filter(\.hasGradient)
    state.gauge.add(
      mean: step.gradients?.flatMap(\.self) ?? [], squaredNorms: found.map(\.squaredNorm),
      halves: (step.halves.flatMap(\.even), step.halves.flatMap(\.odd)),
      dropped: step.reports.count - found.count)
    if let gradients = step.gradients {
      // Summed in one order on every process.
      state.metaSteps.add(
        metaLoss: step.reports.reduce(0) { $0 + $1.metaLoss } / Double(found.count),
        gradientNorm: step.reports.reduce(0) { $0 + $1.norm } / Double(found.count))
      state.step(gradients, options, total: epochCount * unrollCount, frozen: setting.frozen)
      // The same on every process. Nothing that can't be gone on from is ever saved.
      guard state.isFinite else { throw TrainingError.weightsNotFinite(epoch: state.epoch + 1) }
    }
    guard !countsEpochs else { return }
    // Who has diverged starts anew at once.
    for (index, episode) in state.episodes.enumerated() where episode.divergence != nil {
      let key = episode.key
      state.episodes[index] = estimator.start(
        OptimizeeKey(
          seed: key.seed, phase: key.phase, epoch: key.epoch + 1, instance: key.instance),
        in: setting, on: unroller)
    }
  }

  private func endEpoch(_ reports: [WindowReport]) {
    if countsEpochs {
      state.episodes = []
      let costs = reports.map { $0.hasGradient ? $0.finalLoss : .infinity }
      state.sinceLog.add(costs)
      state.sinceEvaluation.add(costs)
    } else {
      state.sinceLog.add(windows: reports)
      state.sinceEvaluation.add(windows: reports)
    }
    state.unroll = 0
    state.epoch += 1
  }
}
