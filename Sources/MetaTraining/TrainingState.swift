package import MetaGradients
package import Safetensors
public import Tensors

/// Where a training stands: with the options, all that the rest of the run follows from.
public struct TrainingState: Sendable {
  /// Epochs completed.
  public var epoch = 0
  /// Unrolls completed of the epoch that is under way.
  public var unroll = 0
  /// For each net, its weights.
  public var weights: [NamedTensors]
  /// The optimizer of the weights.
  package var optimizer: MetaOptimizer
  /// For each net, the sum of the mean gradients since the last step, where steps accumulate several.
  package var accumulated: [[Double]] = []
  /// How many they are.
  package var accumulatedCount = 0
  /// For each net, the moving average of its weights, if the options ask for one.
  public var averages: [NamedTensors]?
  /// The mean final loss of the best evaluation so far.
  public var bestEvaluation: Double?
  /// All evaluations so far: how the training went.
  public var curve: [EvaluationPoint] = []
  /// What happened since the last log line.
  package var sinceLog = EpochTally()
  /// The meta-steps since the last log line.
  package var metaSteps = MetaStepTally()
  /// What happened since the last evaluation.
  package var sinceEvaluation = EpochTally()
  /// The signal in the meta-gradients since the last log line.
  package var gauge = MetaGauge()
  /// This process's episodes; empty between epochs of particles that are in step.
  package var episodes: [Episode] = []
  /// The episodes of all processes as tensors, when the state is to be saved.
  package var archive = SafetensorsFile()

  /// The state before the first epoch.
  public init(weights: [NamedTensors], options: TrainingOptions) {
    self.weights = weights
    optimizer = MetaOptimizer(
      options.metaOptimizer, learningRate: options.learningRate, weightDecay: options.weightDecay,
      momentum: options.momentum, weightCounts: weights.map(\.elementCount))
    if options.averageSteps != nil { averages = weights }
  }

  /// Steps the weights by mean gradients, or only adds these up while steps accumulate.
  ///
  /// - Parameters:
  ///   - total: meta-steps of the whole training, for schedules that end with it.
  ///   - frozen: which weights stay as they are.
  mutating func step(
    _ gradients: [[Double]], _ options: TrainingOptions, total: Int, frozen: [[Bool]]?
  ) {
    var gradients = gradients
    if options.accumulate > 1 {
      accumulated =
        accumulatedCount == 0
        ? gradients : zip(accumulated, gradients).map { zip($0, $1).map { $0 + $1 } }
      accumulatedCount += 1
      guard accumulatedCount == options.accumulate else { return }
      gradients = accumulated.map { $0.map { $0 / Double(options.accumulate) } }
      (accumulated, accumulatedCount) = ([], 0)
    }
    if let limit = options.clipValue {
      gradients = gradients.map { $0.map { min(max($0, -limit), limit) } }
    }
    if let limit = options.clipMeanNorm {
      let norm = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
      if norm > limit { gradients = gradients.map { $0.map { $0 * (limit / norm) } } }
    }
    var vectors = weights.map(\.flattened)
    optimizer.learningRate = options.learningRate(
      epoch: epoch, step: optimizer.stepCount, of: total / options.accumulate)
    optimizer.step(
      &vectors, gradients: gradients.map { $0.map { Float($0) } }, frozen: frozen)
    for net in weights.indices { weights[net] = weights[net].unflattening(vectors[net]) }
    if let horizon = options.averageSteps { updateAverages(horizon: horizon) }
  }

  /// Whether all that a step changes is finite.
  var isFinite: Bool {
    (weights + (averages ?? [])).allSatisfy { $0.tensors.allSatisfy(\.isFinite) }
      && (optimizer.firstMoments + optimizer.secondMoments).allSatisfy(\.isFinite)
  }

  /// What is evaluated and saved: the averages, or the weights if there are none.
  public var evaluatedWeights: [NamedTensors] { averages ?? weights }

  /// Moves the averages towards the weights, after a step.
  ///
  /// - Parameter horizon: of the average, in steps; while fewer were taken it is shorter, so that the
  ///   first weights are forgotten as soon as there are better ones.
  package mutating func updateAverages(horizon: Double) {
    let share = Float(max(1 / horizon, 9 / (10 + Double(optimizer.stepCount))))
    averages = zip(evaluatedWeights, weights).map { average, weights in
      NamedTensors(
        names: average.names,
        tensors: zip(average.tensors, weights.tensors).map {
          $0 + ($1 - $0).affine(scale: share, offset: 0)
        })
    }
  }

  /// The Euclidean norm of the weights of all nets together.
  public var weightNorm: Double {
    var squares = 0.0
    for tensor in weights.flatMap(\.tensors) {
      tensor.withUnsafeFloats { floats in
        for index in 0..<tensor.count { squares += Double(floats[index]) * Double(floats[index]) }
      }
    }
    return squares.squareRoot()
  }

  /// Whether epochs, or meta-steps, up to this one are not evaluated: an evaluation after it is still to
  /// come, at the end of its period or of the training.
  package var isUnevaluated: Bool { unroll == 0 && sinceEvaluation.optimizees > 0 }

  /// Whether an evaluation period has ended that is not evaluated yet.
  package func evaluationIsDue(_ options: TrainingOptions) -> Bool {
    isUnevaluated && epoch.isMultiple(of: options.evaluationPeriod)
  }
}

/// Sums over meta-steps, those left out in which all optimizees had diverged.
public struct MetaStepTally: Equatable, Sendable {
  /// The sum of the meta-losses, each the mean over optimizees of the losses from f_0 to f_T.
  public var metaLossSum = 0.0
  /// The sum of the Euclidean norms of the meta-gradients, all nets together, each the mean over
  /// optimizees before any is shortened.
  public var gradientNormSum = 0.0
  /// How many meta-steps.
  public var count = 0

  /// Nothing so far.
  public init() {}

  /// The mean meta-loss; nil without meta-steps.
  public var meanMetaLoss: Double? { count > 0 ? metaLossSum / Double(count) : nil }
  /// The mean norm of the meta-gradient; nil without meta-steps.
  public var meanGradientNorm: Double? { count > 0 ? gradientNormSum / Double(count) : nil }

  mutating func add(metaLoss: Double, gradientNorm: Double) {
    metaLossSum += metaLoss
    gradientNormSum += gradientNorm
    count += 1
  }
}

/// Sums over epochs.
package struct EpochTally: Equatable, Sendable {
  /// The sum of the finished epochs' costs: each the mean of its optimizees' final losses.
  package var costSum = 0.0
  /// How many epochs have a cost.
  package var finishedEpochs = 0
  /// How many optimizees diverged.
  package var diverged = 0
  /// How many optimizees were started.
  package var optimizees = 0

  /// Nothing so far.
  package init() {}

  /// The mean cost; nil when no epoch finished.
  package var meanCost: Double? { finishedEpochs > 0 ? costSum / Double(finishedEpochs) : nil }

  mutating func add(_ costs: [Double]) {
    let finished = costs.filter(\.isFinite)
    optimizees += costs.count
    diverged += costs.count - finished.count
    guard !finished.isEmpty else { return }
    costSum += finished.reduce(0, +) / Double(finished.count)
    finishedEpochs += 1
  }

  /// Adds windows of particles that have times of their own: costs are the last losses of the
  /// trajectories that ended.
  mutating func add(windows: [WindowReport]) {
    optimizees += windows.count
    diverged += windows.count { !$0.hasGradient }
    for report in windows where report.endedCount > 0 {
      costSum += report.endedSum
      finishedEpochs += Int(report.endedCount)
    }
  }
}

/// One evaluation of a training.
public struct EvaluationPoint: Equatable, Sendable {
  /// Epochs completed.
  public let epoch: Int
  /// The mean final loss; not finite when an optimizee diverged.
  public let meanFinalLoss: Double

  /// An evaluation after so many epochs.
  public init(epoch: Int, meanFinalLoss: Double) {
    self.epoch = epoch
    self.meanFinalLoss = meanFinalLoss
  }
}
