public import Unrolling

/// What a training tells while it runs; calls come from the training's own thread, on rank 0.
public protocol TrainingObserver: AnyObject {
  /// An epoch ended.
  func epochEnded(_ epoch: Int, of count: Int)
  /// A log period ended; its summary has the meta-steps' figures.
  func logPeriodEnded(_ summary: PeriodSummary)
  /// An evaluation ended; `isBest` says that the optimizer was the best so far.
  func evaluated(_ summary: PeriodSummary, isBest: Bool)
  /// An optimizee left the epoch because something was not finite.
  func diverged(_ divergence: Divergence)
}

/// What is reported of several epochs.
public struct PeriodSummary: Sendable {
  /// Whether epochs are counted, as where optimizees are in step; else meta-steps.
  public var countsEpochs = true
  /// Epochs completed so far.
  public let epoch: Int
  /// The mean cost of the epochs; infinite when an evaluation's optimizee diverged, NaN when no
  /// training epoch finished.
  public let meanCost: Double
  /// The mean time of an epoch, in seconds.
  public let meanTime: Double
  /// How many optimizees diverged.
  public let diverged: Int
  /// Of how many.
  public let optimizees: Int
  /// The Euclidean norm of the weights of all nets together.
  public let weightNorm: Double
  /// The period's meta-steps; none in an evaluation.
  public var metaSteps = MetaStepTally()
  /// How far the period's meta-gradients can be trusted; empty in an evaluation.
  public var gauge = MetaGauge()
  /// Windows that all processes together walked a second; nil in an evaluation.
  public var windowsPerSecond: Double?
  /// Steps of optimizees that these were; nil in an evaluation.
  public var innerStepsPerSecond: Double?
  /// For each of several tasks with its name, its mean in an evaluation.
  public var tasks: [(name: String, meanCost: Double)] = []
  /// What the processes did in a log period, in the order of ranks; only when asked for.
  public var timings: [RankTiming] = []
  /// For each net with its key, the updates that it gave the optimizees of an evaluation; only when
  /// asked for.
  public var updates: [(net: String, histogram: Histogram)] = []
}

/// Tells several observers.
public final class ObserverGroup: TrainingObserver {
  private let observers: [any TrainingObserver]

  /// Tells these, in this order.
  public init(_ observers: [any TrainingObserver]) { self.observers = observers }

  /// Tells all.
  public func epochEnded(_ epoch: Int, of count: Int) {
    for observer in observers { observer.epochEnded(epoch, of: count) }
  }
  /// Tells all.
  public func logPeriodEnded(_ summary: PeriodSummary) {
    for observer in observers { observer.logPeriodEnded(summary) }
  }
  /// Tells all.
  public func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    for observer in observers { observer.evaluated(summary, isBest: isBest) }
  }
  /// Tells all.
  public func diverged(_ divergence: Divergence) {
    for observer in observers { observer.diverged(divergence) }
  }
}

/// Where one process spent its time.
public struct RankTiming: Codable, Sendable {
  /// The process.
  public let rank: Int
  /// Its machine.
  public let host: String
  /// Seconds in unrolls.
  public let compute: Double
  /// Seconds until the slowest process arrived at the meta-step.
  public let wait: Double
  /// Seconds in the sum of the meta-gradients and the step of the weights.
  public let reduce: Double
}

/// Settings of a run that its numbers don't depend on.
public struct RunSettings: Sendable {
  /// Epochs between saved states, besides those at evaluations; nil for none.
  public var checkpointPeriod: Int?
  /// Whether processes report where their time went; the same on all.
  public var reportsTimings = false
  /// Whether evaluations count the nets' updates by size; the same on all processes.
  public var recordsUpdates = false
  /// Asked at every step of a window; nil, windows are never given up.
  ///
  /// Once it says yes on any process, the window is given up on all, and the training stops where the
  /// window began. Whether it is nil must be the same on all.
  public var givesUp: (@Sendable () -> Bool)?
  /// What all processes must have in common besides their state: names and hashes.
  public var agreement: [(name: String, hash: UInt64)] = []

  /// No extra checkpoints, timings or histograms.
  public init() {}
}

/// Why a training can't go on.
public enum TrainingError: Error, Equatable, Sendable {
  /// Most optimizees of an evaluation period diverged.
  case mostlyDiverged(epoch: Int, diverged: Int, optimizees: Int, evaluating: Bool)
  /// A step would have made a weight, or what the meta-optimizer remembers, infinite or NaN; the state
  /// that was saved last is from before it.
  case weightsNotFinite(epoch: Int)
}

/// How a training ended.
public enum TrainingEnd: Sendable {
  /// All epochs were trained.
  case finished
  /// It was asked to stop; the state was saved.
  case stopped
}

/// Where a training keeps its results.
public protocol TrainingStore: AnyObject {
  /// Keeps the optimizers of the best evaluation so far.
  func saveBest(_ state: TrainingState, evaluation: Double) throws
  /// Keeps what resuming needs; `state.archive` holds the episodes of all processes.
  func saveState(_ state: TrainingState) throws
}
