import ArgumentParser
import Comparison
import Datasets
import DistributedTraining
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems
import Safetensors
import Tensors

/// Measures an optimizer on fresh optimizees.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure an optimizer on fresh optimizees.",
    discussion: """
      The same seed gives every optimizer the same optimizees: initial parameters, constants and
      minibatches.
      """)

  @OptionGroup var problem: ProblemArguments

  @Option(
    name: .customLong("optimizer"),
    help: "L2L (a learned one), Adam, SGD, Momentum, NAG or RMSprop.")
  var optimizer = "L2L"
  @Option(name: .customLong("path"), help: "The folder or file of the learned optimizer.")
  var path: String?
  @Option(name: .customLong("learning_rate"), help: "Of an optimizer that is not learned.")
  var learningRate: Float = 0.001
  @Option(name: .customLong("num_epochs"), help: "Optimizees.")
  var epochCount = 100
  @Option(name: .customLong("num_steps"), help: "Steps of each.")
  var stepCount = 100
  @Option(name: .customLong("seed"), help: "Of all random numbers.")
  var seed: UInt64 = 0
  @Option(name: .customLong("split"), help: "The part of a data set: train or test.")
  var split = "test"
  @Option(
    name: .customLong("output"),
    help: "A CSV file for all losses: epoch,step,loss.")
  var output: String?

  mutating func run() throws {
    let group = try Launch.current.group(timeout: .seconds(600), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: (experiment: Experiment, dataHash: String)?
    _ = try group.decideOnRankZero {
      checked = try prepare()
      return []
    }
    let (experiment, dataHash) = try checked ?? prepare()
    try group.agree(on: agreement(experiment, dataHash: dataHash))
    try measure(experiment, group)
  }

  /// What is to be measured, and the hash of its data set.
  private func prepare() throws -> (experiment: Experiment, dataHash: String) {
    let name = problem.problem ?? "simple"
    _ = try ProblemCatalog.entry(named: name)
    try require("num_epochs", epochCount, atLeast: 1)
    try require("num_steps", stepCount, atLeast: 1)
    try requireLearningRate(learningRate)
    guard let split = DatasetSplit(rawValue: split) else {
      throw Failure(.usage, "--split takes train or test, not '\(split)'")
    }
    if let output, Launch.current.rank == 0 { try requireWritable(output) }
    let nets = try assignments(problem: name)
    let built = try makeProblem(
      name, options: try problem.problemOptionValues(), split: split,
      directory: problem.dataDirectory)
    return (
      try makeExperiment(problem: built.problem, nets: nets, path: path),
      built.dataset.map { String($0.contentHash(), radix: 16) } ?? "none"
    )
  }

  /// What all ranks must have in common.
  private func agreement(
    _ experiment: Experiment, dataHash: String
  ) -> [(name: String, hash: UInt64)] {
    var weights = ContentHash()
    for tensor in experiment.nets.flatMap(\.optimizer.weights.tensors) { weights.add(tensor) }
    let options =
      "\(problem.problem ?? "") \(problem.problemOptions) \(problem.netOptions) \(optimizer)"
      + " \(learningRate) \(epochCount) \(stepCount) \(seed) \(split) \(output != nil)"
    return [
      ("program version", ContentHash(Program.version).value),
      ("options", ContentHash(options).value), ("weights", weights.value),
      ("data set", ContentHash(dataHash).value),
    ]
  }

  private func measure(_ experiment: Experiment, _ group: any ProcessGroup) throws {
    var bar = ProgressBar()
    let count = epochCount
    let clock = ContinuousClock()
    let start = clock.now
    let evaluation = try Unroller(experiment).evaluate(
      epochs: epochCount, stepCount: stepCount, unrollLength: stepCount, seed: seed, phase: .test,
      group: group, curves: output != nil
    ) { if group.rank == 0 { bar.show($0, of: count) } }
    let time = (clock.now - start).seconds / Double(epochCount)
    bar.clear()
    guard group.rank == 0 else { return }
    for divergence in evaluation.divergences { StandardError.notice(sentence(divergence)) }
    // The summary first: it must not be lost with a disk that is full by now.
    printSummary("Epoch \(epochCount)", mean: evaluation.mean, time: time)
    if evaluation.divergedCount > 0 {
      let rest = evaluation.meanOfFinished.map { ", the mean of the others is \($0)" } ?? ""
      StandardError.notice("\(evaluation.divergedCount) of \(epochCount) epochs diverged\(rest)")
    } else {
      StandardError.notice("mean final loss \(evaluation.mean)")
    }
    if let output { try AtomicFile.write(Self.table(evaluation), to: output) }
  }

  private static func table(_ evaluation: Evaluation) -> String {
    var text = "epoch,step,loss\n"
    for (epoch, curve) in evaluation.curves.enumerated() {
      for (step, loss) in curve.enumerated() { text += "\(epoch),\(step),\(loss)\n" }
    }
    return text
  }

  private func assignments(problem name: String) throws -> [NetAssignment] {
    if optimizer.lowercased() == "l2l" {
      return try learnedNets(
        problem: name, overrides: problem.netOptionValues(), path: path, seed: seed)
    }
    guard let chosen = BaselineCatalog.name(spelled: optimizer) else {
      let names = ["L2L"] + BaselineCatalog.names
      throw Failure(
        .usage, "there is no optimizer '\(optimizer)'\(Failure.suggestion(optimizer, names))")
    }
    if let path {
      throw Failure(
        .usage, "--path '\(path)' names a learned optimizer, but --optimizer is \(chosen)")
    }
    return [try BaselineCatalog.net(chosen, learningRate: learningRate)]
  }
}

/// The problem with its nets; nets from a file that don't fit the problem are bad data.
func makeExperiment(
  problem: any Problem, nets: [NetAssignment], path: String?
) throws -> Experiment {
  guard let path else { return try Experiment(problem: problem, nets: nets) }
  return try Failure.inFile(path) { try Experiment(problem: problem, nets: nets) }
}
