import ArgumentParser
import Catalogs
import Datasets
import LearnedOptimizers
import MPIGroups
import MetaGradients
import MetaTraining
import Problems
import ProcessGroups
import Unrolling

/// Trains by evolution strategies for some meta-steps, alone or under mpirun, and tells how many inner
/// steps a second that makes: steps of an optimizee, gradient and optimizer together, both walkers
/// counted.
struct InnerSteps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inner",
    abstract: "Measure inner steps a second of evolution strategies on the 64-32-10 perceptron.")

  @Option(name: .customLong("net"), help: "The learned optimizer.")
  var net = "Celo2"
  @Option(name: .customLong("estimator"), help: "es, pes, nres or full-es.")
  var estimator = "pes"
  @Option(name: .customLong("particles"), help: "Particles of each rank.")
  var particles = 8
  @Option(name: .customLong("window"), help: "Steps of a window.")
  var window = 50
  @Option(name: .customLong("num_meta_steps"), help: "Meta-steps to time, after one to warm up.")
  var metaSteps = 10
  @Option(
    name: .customLong("inject_latency"),
    help: "Microseconds that every collective is made to take longer.")
  var latency = 0.0

  mutating func run() throws {
    let group = try Launch.current.group(timeout: .seconds(600))
    let delayed = DelayedGroup(group, microseconds: latency)
    let catalog = Catalog.standard
    let built = try catalog.problem(named: "perceptron").make(data: ProblemData(split: .train))
    let optimizer = try catalog.optimizer(named: net).make(options: [:])
    let experiment = try Experiment(
      tasks: [TaskAssignment("perceptron", built.family)],
      nets: [NetAssignment(key: "cw", optimizer: optimizer)])
    var options = TrainingOptions(problem: "perceptron")
    options.estimator = estimator
    (options.horizon, options.unrollLength) = (Horizon(100...2000), window)
    options.optimizees = group.count * particles
    options.logPeriod = 1 + metaSteps
    options.metaStepCount = 1
    let training = try TimedTraining(experiment, options, on: delayed) {
      $0.metaStepCount += metaSteps
    }
    guard group.rank == 0 else { return }
    let time = training.time
    let steps = Double(metaSteps * options.optimizees * 2 * window)
    let weights = experiment.nets[0].optimizer.weightCount
    print(
      """
      {"net": "\(net)", "estimator": "\(estimator)", "ranks": \(group.count), \
      "particles": \(options.optimizees), "weights": \(weights), \
      "injected_latency_us": \(latency), "inner_steps_per_second": \(steps / time), \
      "us_a_step_of_a_core": \(time / steps * Double(group.count) * 1e6), \
      \(training.members(metaSteps: metaSteps)), "peak_memory_mb": \(peakMemory())}
      """)
  }
}
