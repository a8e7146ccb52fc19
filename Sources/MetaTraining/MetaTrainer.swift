public import Experiments
internal import Layers
internal import LearnedOptimizers
internal import Safetensors
internal import Tensors

/// Trains learned optimizers: the outer loop of the paper's section 2.
///
/// For every epoch each optimizee starts anew; for every unroll of it the meta-gradients of all
/// optimizees are averaged and the nets' weights take one step of Adam; values are carried on to
/// the next unroll. Every evaluation period fresh optimizees are unrolled with fixed weights, and
/// the optimizer is kept if their mean final loss is the best so far.
///
/// Every process of the group runs the same loop on its share of the optimizees and holds the same
/// weights; see `ReproducibleSum` for why they are equal bit for bit.
public final class MetaTrainer {
  /// What is trained.
  public let experiment: Experiment
  /// How.
  public let options: TrainingOptions
  /// Where the training stands.
  public private(set) var state: TrainingState
  private let unroller: Unroller
  private let group: any ProcessGroup
  private let store: (any TrainingStore)?
  private let observer: (any TrainingObserver)?
  private let settings: RunSettings
  private let clock = ContinuousClock()
  // Compute, wait and reduce, in seconds since the last log line.
  private var times = [0.0, 0.0, 0.0]
  private var logTime = Duration.zero
  private var timedEpochs = 0

  /// A training that starts, or goes on, from `state`.
  public init(
    experiment: Experiment, options: TrainingOptions, state: TrainingState,
    group: any ProcessGroup = SoleProcess(), settings: RunSettings = RunSettings(),
    store: (any TrainingStore)? = nil,
    observer: (any TrainingObserver)? = nil
  ) {
    self.experiment = experiment
    self.options = options
    self.state = state
    self.group = group
    self.settings = settings
    self.store = store
    self.observer = group.rank == 0 ? observer : nil
    unroller = Unroller(experiment)
    unroller.load(state.weights)
    // Saved optimizees are those of all processes, in the layout of files.
    let share = group.share(of: options.optimizees)
    self.state.instances = state.instances.filter { share.contains($0.key.instance) }
      .map(unroller.restored)
    reported = Set(self.state.instances.compactMap(\.divergence))
  }

  /// The state before the first epoch of a training with these options.
  public static func initialState(
    of experiment: Experiment, options: TrainingOptions
  ) -> TrainingState {
    var state = TrainingState(
      weights: experiment.nets.map(\.optimizer.weights), learningRate: options.learningRate)
    if options.averageSteps != nil { state.averages = state.weights }
    return state
  }

  /// Trains to the last epoch.
  ///
  /// - Parameter shouldStop: asked after every unroll; when any process of the group says yes, all
  ///   stop there and the state is saved.
  /// - Throws: `TrainingError`, and whatever the store or the group throw.
  public func run(shouldStop: () -> Bool = { false }) throws -> TrainingEnd {
    try group.agree(on: settings.agreement + state.agreementItems)
    // An earlier run may have stopped between an epoch and its evaluation.
    if state.evaluationIsDue(options) { try evaluate() }
    while state.epoch < options.epochCount {
      let stopping = try trainEpoch(shouldStop: shouldStop)
      if state.unroll == 0 {
        observer?.epochEnded(state.epoch, of: options.epochCount)
        if state.epoch.isMultiple(of: options.logPeriod) { try reportLogPeriod() }
      }
      // A stop after the last epoch ends nothing early.
      if stopping && (state.unroll > 0 || state.epoch < options.epochCount) {
        try saveState()
        return .stopped
      }
      if state.evaluationIsDue(options) {
        try group.agree(on: state.agreementItems)
        try evaluate()
      } else if let period = settings.checkpointPeriod, state.epoch.isMultiple(of: period) {
        try saveState()
      }
    }
    try saveState()
    return .finished
  }

  // MARK: - Training

  /// Trains one epoch, or what is left of it, up to a stop after an unroll; says whether to stop.
  private func trainEpoch(shouldStop: () -> Bool) throws -> Bool {
    let start = clock.now
    if state.unroll == 0 {
      state.instances = group.share(of: options.optimizees).map { instance in
        unroller.makeInstance(
          InstanceKey(
            seed: options.seed, phase: .training, epoch: state.epoch, instance: instance))
      }
    }
    var costs = [Double](repeating: .infinity, count: options.optimizees)
    var stopsAfterEpoch = false
    while state.unroll < options.unrollCount {
      let start = clock.now
      let outcomes = state.instances.indices.map { unrollInstance($0) }
      times[0] += (clock.now - start).seconds
      let stopping: Bool
      (costs, stopping) = try takeMetaStep(outcomes, wantsToStop: shouldStop())
      state.unroll += 1
      // An epoch that is complete is counted before stopping.
      if stopping && state.unroll < options.unrollCount { return true }
      stopsAfterEpoch = stopping
    }
    state.instances = []
    state.unroll = 0
    state.epoch += 1
    state.sinceLog.add(costs)
    state.sinceEvaluation.add(costs)
    logTime += clock.now - start
    timedEpochs += 1
    return stopsAfterEpoch
  }

  /// Unrolls one optimizee; nil when it has diverged, now or earlier in the epoch.
  private func unrollInstance(_ index: Int) -> UnrollOutcome? {
    guard state.instances[index].divergence == nil else { return nil }
    do {
      let outcome = try unroller.unroll(
        &state.instances[index], steps: options.unrollLength,
        secondDerivatives: options.secondDerivatives, metaLoss: options.metaLoss,
        adjointLimit: options.adjointLimit, adjointSmoothing: options.adjointSmoothing)
      return options.clipNorm.map(outcome.shortened) ?? outcome
    } catch {
      state.instances[index].divergence = error
      return nil
    }
  }

  /// Averages the meta-gradients of all processes and steps the weights.
  ///
  /// - Returns: the last loss of every optimizee of the group, infinite where it diverged, and
  ///   whether any process wants to stop.
  private func takeMetaStep(
    _ outcomes: [UnrollOutcome?], wantsToStop: Bool
  ) throws -> (costs: [Double], stopping: Bool) {
    let sum = ReproducibleSum(summands: options.optimizees)
    let counts = state.weights.map(\.elementCount)
    var agreed: [Int64] = counts.indices.map { net in
      let exponents = outcomes.compactMap {
        $0.flatMap { ReproducibleSum.exponent(of: $0.metaGradients[net]) }
      }
      return Int64(exponents.max() ?? Int(Int32.min))
    }
    agreed.append(wantsToStop ? 1 : 0)
    let arrival = clock.now
    try group.maximum(&agreed)
    let meeting = clock.now
    defer { times[2] += (clock.now - meeting).seconds }
    times[1] += (meeting - arrival).seconds

    // One message: the nets' sums, then for each optimizee a slot for its last loss, one for its
    // divergence, one for its meta-loss and one for its meta-gradient's norm.
    let first = counts.reduce(0, +)
    let share = group.share(of: options.optimizees)
    var message = [Int64](repeating: 0, count: first + 4 * options.optimizees)
    for (index, outcome) in outcomes.enumerated() {
      let slot = first + share.lowerBound + index
      guard let outcome else {
        message[slot] = Int64(bitPattern: Double.infinity.bitPattern)
        message[slot + options.optimizees] = code(of: state.instances[index].divergence)
        continue
      }
      message[slot] = Int64(bitPattern: Double(outcome.finalLoss).bitPattern)
      message[slot + 2 * options.optimizees] = Int64(bitPattern: outcome.metaLoss.bitPattern)
      message[slot + 3 * options.optimizees] = Int64(
        bitPattern: outcome.gradientNorm.bitPattern)
      var start = 0
      for net in counts.indices {
        if agreed[net] > Int64(Int32.min) {
          sum.add(
            outcome.metaGradients[net], exponent: Int(agreed[net]),
            to: &message[start..<start + counts[net]])
        }
        start += counts[net]
      }
    }
    try group.sum(&message)

    let costs = message[first..<first + options.optimizees].map {
      Double(bitPattern: UInt64(bitPattern: $0))
    }
    let metaLosses = first + 2 * options.optimizees
    report(divergences: message[first + options.optimizees..<metaLosses])
    let contributors = costs.lazy.filter(\.isFinite).count
    if contributors > 0 {
      var start = 0
      let gradients = counts.indices.map { net in
        defer { start += counts[net] }
        return message[start..<start + counts[net]].map {
          Float(sum.value($0, exponent: Int(agreed[net])) / Double(contributors))
        }
      }
      // Those that have diverged add 0. Summed in one order on every process.
      func mean(_ slots: Range<Int>) -> Double {
        slots.reduce(0) { $0 + Double(bitPattern: UInt64(bitPattern: message[$1])) }
          / Double(contributors)
      }
      let norms = metaLosses + options.optimizees
      state.metaSteps.add(
        metaLoss: mean(metaLosses..<norms), gradientNorm: mean(norms..<message.count))
      step(gradients)
    }
    return (costs, agreed[counts.count] != 0)
  }

  private func step(_ gradients: [[Float]]) {
    var vectors = state.weights.map(\.flattened)
    state.adam.learningRate = options.learningRate(epoch: state.epoch)
    state.adam.step(&vectors, gradients: gradients)
    for net in state.weights.indices {
      state.weights[net] = state.weights[net].unflattening(vectors[net])
    }
    if let horizon = options.averageSteps { state.updateAverages(horizon: horizon) }
    unroller.load(state.weights)
  }

  // MARK: - Divergences

  // A divergence as one number: 0 for none, and for those already reported.
  private func code(of divergence: Divergence?) -> Int64 {
    guard let divergence, reported.insert(divergence).inserted else { return 0 }
    let parameters = experiment.parameters.map(\.specification.name)
    let quantity: Int =
      switch divergence.quantity {
      case .loss: 0
      case .gradient(let name): 1 + (parameters.firstIndex(of: name) ?? 0)
      case .metaGradient(let net):
        1 + parameters.count + (experiment.nets.firstIndex { $0.key == net } ?? 0)
      }
    return 1 + Int64(divergence.step) << 20 + Int64(quantity)
  }

  private var reported: Set<Divergence> = []

  private func report(divergences codes: ArraySlice<Int64>) {
    for (instance, code) in codes.enumerated() where code != 0 {
      let quantity = Int((code - 1) & 0xF_FFFF)
      let step = Int((code - 1) >> 20)
      let count = experiment.parameters.count
      let key = InstanceKey(
        seed: options.seed, phase: .training, epoch: state.epoch, instance: instance)
      observer?.diverged(
        Divergence(
          key: key, step: step,
          quantity: quantity == 0
            ? .loss
            : quantity <= count
              ? .gradient(parameter: experiment.parameters[quantity - 1].specification.name)
              : .metaGradient(net: experiment.nets[quantity - 1 - count].key)))
    }
  }

  // MARK: - Periods

  private func reportLogPeriod() throws {
    let timings = settings.reportsTimings ? try gatherTimings() : []
    if let observer {
      let tally = state.sinceLog
      var summary = PeriodSummary(
        epoch: state.epoch, meanCost: tally.meanCost ?? .nan,
        meanTime: logTime.seconds / Double(max(timedEpochs, 1)), diverged: tally.diverged,
        optimizees: tally.optimizees, weightNorm: state.weightNorm)
      (summary.metaSteps, summary.timings) = (state.metaSteps, timings)
      observer.logPeriodEnded(summary)
    }
    times = [0, 0, 0]
    state.sinceLog = EpochTally()
    state.metaSteps = MetaStepTally()
    logTime = .zero
    timedEpochs = 0
    reported = []
  }

  /// The timings of all processes on rank 0, none on the others.
  private func gatherTimings() throws -> [RankTiming] {
    let text = ([group.host] + times.map { "\($0)" }).joined(separator: "\t")
    guard let lines = try group.gather(Array(text.utf8)) else { return [] }
    return lines.enumerated().map { rank, line in
      let parts = String(decoding: line, as: UTF8.self).split(
        separator: "\t", omittingEmptySubsequences: false)
      let numbers = parts.dropFirst().map { Double($0) ?? 0 }
      return RankTiming(
        rank: rank, host: String(parts[0]), compute: numbers[0], wait: numbers[1],
        reduce: numbers[2])
    }
  }

  private func evaluate() throws {
    let trained = state.sinceEvaluation
    state.sinceEvaluation = EpochTally()
    if trained.diverged * 2 > trained.optimizees {
      throw TrainingError.mostlyDiverged(
        epoch: state.epoch, diverged: trained.diverged, optimizees: trained.optimizees,
        evaluating: false)
    }
    if options.evaluationEpochs > 0 {
      let start = clock.now
      unroller.load(state.result)
      defer { unroller.load(state.weights) }
      let evaluation = try unroller.evaluate(
        epochs: options.evaluationEpochs, stepCount: options.stepCount,
        unrollLength: options.unrollLength, seed: options.seed, phase: .validation, group: group,
        updates: settings.recordsUpdates)
      let mean = evaluation.mean
      let isBest = mean.isFinite && mean < state.bestEvaluation ?? .infinity
      if isBest { state.bestEvaluation = mean }
      state.curve.append(EvaluationPoint(epoch: state.epoch, meanFinalLoss: mean))
      if let observer {
        var summary = PeriodSummary(
          epoch: state.epoch, meanCost: mean,
          meanTime: (clock.now - start).seconds / Double(options.evaluationEpochs),
          diverged: evaluation.divergedCount, optimizees: options.evaluationEpochs,
          weightNorm: state.weightNorm)
        summary.updates = zip(experiment.nets, evaluation.updates).map { ($0.key, $1) }
        observer.evaluated(summary, isBest: isBest)
      }
      if isBest, group.rank == 0 { try store?.saveBest(state, evaluation: mean) }
      if evaluation.divergedCount * 2 > options.evaluationEpochs {
        throw TrainingError.mostlyDiverged(
          epoch: state.epoch, diverged: evaluation.divergedCount,
          optimizees: options.evaluationEpochs, evaluating: true)
      }
    }
    try saveState()
  }

  /// Saves the state with the optimizees of all processes; every process must call it.
  public func saveState() throws {
    var whole = state
    if state.unroll > 0 {
      var mine = SafetensorsFile()
      for instance in state.instances {
        InstanceArchive.append(unroller.exported(instance), to: &mine)
      }
      guard let parts = try group.gather(try mine.serialized()) else { return }
      whole.instances = try parts.flatMap {
        try InstanceArchive.instances(
          in: try SafetensorsFile(bytes: $0), experiment: experiment, options: options,
          epoch: state.epoch)
      }
    }
    if group.rank == 0 { try store?.saveState(whole) }
  }
}

extension Duration {
  /// The duration in seconds.
  public var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
