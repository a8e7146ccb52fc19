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
  public var adam: MetaAdam
  /// The mean final loss of the best evaluation so far.
  public var bestEvaluation: Double?
  /// What happened since the last log line.
  public var sinceLog = EpochTally()
  /// What happened since the last evaluation.
  public var sinceEvaluation = EpochTally()
  /// This process's optimizees of the epoch under way; empty between epochs.
  public var instances: [OptimizeeInstance] = []

  /// The state before the first epoch.
  public init(weights: [NamedTensors], learningRate: Float) {
    self.weights = weights
    adam = MetaAdam(learningRate: learningRate, weightCounts: weights.map(\.elementCount))
  }
}

/// Sums over epochs.
public struct EpochTally: Equatable, Sendable {
  /// The sum of the finished epochs' costs: each the mean of its optimizees' final losses.
  public var costSum = 0.0
  /// How many epochs have a cost.
  public var finishedEpochs = 0
  /// How many optimizees diverged.
  public var diverged = 0
  /// How many optimizees were started.
  public var optimizees = 0

  /// Nothing so far.
  public init() {}

  /// The mean cost; nil when no epoch finished.
  public var meanCost: Double? { finishedEpochs > 0 ? costSum / Double(finishedEpochs) : nil }

  mutating func add(_ costs: [Double]) {
    let finished = costs.filter(\.isFinite)
    optimizees += costs.count
    diverged += costs.count - finished.count
    guard !finished.isEmpty else { return }
    costSum += finished.reduce(0, +) / Double(finished.count)
    finishedEpochs += 1
  }
}
