import ArgumentParser
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
    options.logPeriod = 1 + epochs
    options.epochCount = 1
    let training = try TimedTraining(experiment, options, on: delayed) { $0.epochCount += epochs }
    guard group.rank == 0 else { return }
    print(
      """
      {"problem": "\(problem)", "ranks": \(group.count), "epochs": \(epochs), \
      "injected_latency_us": \(latency), \
      "instance_epochs_per_second": \(Double(epochs * options.optimizees) / training.time), \
      \(training.members(metaSteps: epochs * options.unrollCount)), "peak_memory_mb": \(peakMemory())}
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
