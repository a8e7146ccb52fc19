import ArgumentParser
import Foundation
import MPIGroups
import MetaTraining
import ProcessGroups
import Unrolling

/// What an epoch of `Throughput` does.
enum ThroughputMode: String, CaseIterable, ExpressibleByArgument {
  /// Meta-training with first derivatives.
  case train
  /// Meta-training with second derivatives.
  case second
  /// Optimization alone.
  case evaluate
}

/// Trains for some epochs, alone or under mpirun, and tells how fast that was.
struct Throughput: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput",
    abstract: "Measure training epochs a second; start it under mpirun for several ranks.")

  @Option(name: .customLong("problem"), help: "The problem.")
  var problem = "mnist"
  @Option(name: .customLong("num_epochs"), help: "Epochs to time, after one to warm up.")
  var epochs = 3
  @Option(name: .customLong("mode"), help: "train, second (derivatives) or evaluate.")
  var mode = ThroughputMode.train
  @Option(name: .customLong("optimizees"), help: "Optimizees of each rank.")
  var optimizees = 1
  @Option(name: .customLong("data_dir"), help: "Where data sets lie.")
  var dataDirectory: String?
  @Option(
    name: .customLong("inject_latency"),
    help: "Microseconds that every collective is made to take longer.")
  var latency = 0.0

  mutating func run() throws {
    let group = try Launch.current.group(timeout: .seconds(600))
    let delayed = DelayedGroup(group, microseconds: latency)
    let experiment = try benchExperiment(problem, directory: dataDirectory)
    if mode == .evaluate { return try evaluate(experiment, group: group) }
    var options = TrainingOptions(problem: problem)
    options.optimizees = group.count * optimizees
    options.secondDerivatives = mode == .second
    (options.logPeriod, options.evaluationPeriod) = (1 + epochs, Int.max)
    options.epochCount = 1
    var settings = RunSettings()
    settings.reportsTimings = true
    let warmUp = MetaTrainer(
      experiment: experiment, options: options,
      state: MetaTrainer.initialState(of: experiment, options: options), group: delayed)
    _ = try warmUp.run()
    options.epochCount = 1 + epochs
    let observer = TimingObserver()
    let trainer = MetaTrainer(
      experiment: experiment, options: options, state: warmUp.state, group: delayed,
      settings: settings, observer: observer)
    let time = try seconds { _ = try trainer.run() }
    guard group.rank == 0 else { return }
    let steps = Double(epochs * options.unrollCount)
    func mean(_ part: (RankTiming) -> Double) -> Double {
      observer.timings.map(part).reduce(0, +) / Double(max(observer.timings.count, 1)) / steps
    }
    print(
      """
      {"problem": "\(problem)", "ranks": \(group.count), "epochs": \(epochs), \
      "injected_latency_us": \(latency), \
      "instance_epochs_per_second": \(Double(epochs * options.optimizees) / time), \
      "step_seconds": \(time / steps), "compute_seconds": \(mean(\.compute)), \
      "wait_seconds": \(mean(\.wait)), "reduce_seconds": \(mean(\.reduce)), \
      "peak_memory_mb": \(peakMemory())}
      """)
  }

  /// Times evaluation epochs, spread over the ranks.
  private func evaluate(_ experiment: Experiment, group: any ProcessGroup) throws {
    let unroller = Unroller(experiment, weights: experiment.initialWeights(seed: 0))
    func run(_ epochs: Int) throws {
      _ = try unroller.evaluate(
        epochs: epochs * group.count, stepCount: 100, unrollLength: 20, seed: 0, phase: .validation,
        group: group)
    }
    try run(1)
    let time = try seconds { try run(epochs) }
    guard group.rank == 0 else { return }
    print(
      """
      {"problem": "\(problem)", "ranks": \(group.count), "epochs": \(epochs), \
      "instance_epochs_per_second": \(Double(epochs * group.count) / time), \
      "peak_memory_mb": \(peakMemory())}
      """)
  }
}
