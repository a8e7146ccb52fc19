package import LearnedOptimizers
package import Unrolling

/// A task of a suite, with its data: what optimizers are measured on.
package struct SuiteTask: Sendable {
  /// The name, unlike all others' of the suite.
  package let name: String
  /// The steps of a run at horizon 1.
  package let stepCount: Int
  /// What is measured on: families that optimizees are dealt from evenly.
  package let measured: [TaskAssignment]
  /// What hyperparameters are chosen on, as many families.
  package let tuning: [TaskAssignment]
  /// A hash of the problem, its options and its data.
  package let hash: UInt64

  /// A task of which all is known.
  package init(
    name: String, stepCount: Int, measured: [TaskAssignment], tuning: [TaskAssignment],
    hash: UInt64
  ) {
    self.name = name
    self.stepCount = stepCount
    self.measured = measured
    self.tuning = tuning
    self.hash = hash
  }
}

/// An optimizer that takes part in a suite.
package struct Entrant: Sendable {
  /// The name, unlike all others'.
  package let label: String
  /// Whether it is hand-designed, and so one of those that others are measured by.
  package let isBaseline: Bool
  /// What is looked for on each task; empty when it has nothing to tune.
  package let dimensions: Hyperparameters.Dimensions
  /// The schedule of its own, which it has where none is looked for.
  package let schedule: RateSchedule
  /// A hash of the rule, its options and weights.
  package let hash: UInt64
  private let make: @Sendable (Hyperparameters?) throws -> TrainedNets

  /// An optimizer whose nets `make` makes, given hyperparameters where it has any to choose.
  package init(
    label: String, isBaseline: Bool, dimensions: Hyperparameters.Dimensions,
    schedule: RateSchedule = .constant, hash: UInt64,
    make: @escaping @Sendable (Hyperparameters?) throws -> TrainedNets
  ) {
    self.label = label
    self.isBaseline = isBaseline
    self.dimensions = dimensions
    self.schedule = schedule
    self.hash = hash
    self.make = make
  }

  /// The nets with these hyperparameters.
  package func nets(_ hyperparameters: Hyperparameters?) throws -> TrainedNets {
    try make(hyperparameters)
  }

  /// Whether it is told how many steps there will be, and listens.
  func looksAtProgress(_ hyperparameters: Hyperparameters?) throws -> Bool {
    try nets(hyperparameters).nets.contains { $0.optimizer.inputs.contains(.progress) }
  }
}

/// What a suite's numbers follow from, besides tasks and optimizers.
package struct SuiteSettings: Hashable, Sendable {
  /// Optimizees that each optimizer is measured on, a task.
  package var seedCount = 3
  /// Optimizees that each trial is made on.
  package var tuningSeedCount = 2
  /// Trials of each optimizer that has something to tune, a task and horizon.
  package var trialCount = LearningRateSearch.gridCount
  /// How many times a task's steps runs have.
  package var horizons = [1]
  /// What part of the true number of steps optimizers that ask for it are told, besides the whole.
  package var toldShares: [Double] = [0.25, 4]
  /// Minibatches of a measured loss.
  package var batchCount = 5
  /// At how many steps a run is measured, besides its start.
  package var pointCount = 50
  /// The seed of all random numbers.
  package var seed: UInt64 = 0

  /// The defaults.
  package init() {}

  /// The steps at which a run is measured: evenly spread, its start and end among them.
  package func points(of stepCount: Int) -> [Int] {
    let count = min(pointCount, stepCount)
    return (0...count).map { Int((Double(stepCount) * Double($0) / Double(count)).rounded()) }
  }
}
