import ArgumentParser
import Datasets
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems
import Safetensors

/// Trains a learned optimizer.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a learned optimizer on a problem.")

  @OptionGroup var problem: ProblemArguments

  @Option(name: .customLong("save_path"), help: "A new folder for the results.")
  var savePath: String?
  @Option(name: .customLong("num_epochs"), help: "Training epochs. (default: 10000)")
  var epochCount: Int?
  @Option(name: .customLong("log_period"), help: "Epochs between log lines. (default: 100)")
  var logPeriod: Int?
  @Option(
    name: .customLong("evaluation_period"), help: "Epochs between evaluations. (default: 1000)")
  var evaluationPeriod: Int?
  @Option(name: .customLong("evaluation_epochs"), help: "Epochs of an evaluation. (default: 20)")
  var evaluationEpochs: Int?
  @Option(name: .customLong("num_steps"), help: "Steps of an epoch. (default: 100)")
  var stepCount: Int?
  @Option(name: .customLong("unroll_length"), help: "Steps of an unroll. (default: 20)")
  var unrollLength: Int?
  @Option(name: .customLong("learning_rate"), help: "Of the nets' weights. (default: 0.001)")
  var learningRate: Float?
  @Flag(
    name: .customLong("second_derivatives"),
    help: "Let the meta-gradient flow through the optimizee's gradients. (default: false)")
  var secondDerivatives = false
  @Option(name: .customLong("seed"), help: "Of all random numbers. (default: 0)")
  var seed: UInt64?
  @Option(
    name: .customLong("optimizees"),
    help: "Optimizees unrolled for one meta-step. (default: the number of processes)")
  var optimizees: Int?
  @Flag(name: .customLong("resume"), help: "Go on where the training in --save_path stopped.")
  var resume = false

  mutating func run() throws {
    let plan = try resume ? resumedPlan() : freshPlan()
    let options = plan.options
    try validate(options)
    let descriptions = try netDescriptions(
      problem: options.problem, overrides: options.netOptions)
    let built = try makeProblem(
      options.problem, options: options.problemOptions, split: .train,
      directory: problem.dataDirectory)
    let experiment = try Experiment(
      problem: built.problem,
      nets: try descriptions.enumerated().map { position, description in
        NetAssignment(
          key: description.key,
          optimizer: try description.make(seed: options.seed, position: position),
          parameters: description.parameters)
      })
    notify(experiment, options)

    let dataHash = built.dataset.map { String($0.contentHash(), radix: 16) } ?? "none"
    if let saved = plan.saved?.metadata["data"], saved != dataHash {
      throw Failure(
        .badData,
        "the data set is not the one that the training in '\(savePath ?? "")' used;"
          + " give its --data_dir")
    }
    let state =
      try plan.saved?.state(for: experiment)
      ?? MetaTrainer.initialState(of: experiment, options: options)
    let folder = savePath.map {
      TrainingFolder(
        path: $0, experiment: experiment, options: options,
        metadata: ["program_version": Program.version, "data": dataHash])
    }
    if plan.saved == nil {
      try folder?.create()
      try folder?.saveState(state)
    }

    let signals = StopSignals()
    let observer = TerminalObserver()
    let trainer = MetaTrainer(
      experiment: experiment, options: options, state: state, store: folder, observer: observer)
    let end: TrainingEnd
    do {
      end = try trainer.run { signals.first != nil }
    } catch {
      observer.clear()
      throw error
    }
    observer.clear()
    switch end {
    case .finished:
      if trainer.state.bestEvaluation == nil {
        try folder?.saveNets(trainer.state, evaluation: "none")
      }
      if let savePath { StandardError.notice("the optimizer is saved in '\(savePath)'") }
    case .stopped:
      let place = "stopped in epoch \(trainer.state.epoch + 1)"
      guard let savePath else {
        throw Failure(.stopped, "\(place); nothing is saved without --save_path")
      }
      throw Failure(
        .stopped, "\(place), state saved; go on with: l2l train --resume --save_path=\(savePath)")
    }
  }

  // MARK: - What is to be trained

  private struct Plan {
    var options: TrainingOptions
    var saved: TrainingStateFile?
  }

  private func freshPlan() throws -> Plan {
    if let savePath, FileManager.default.fileExists(atPath: savePath) {
      throw Failure(
        .cannotWrite,
        "'\(savePath)' exists already; choose another --save_path, or go on with the"
          + " training in it by --resume")
    }
    var options = TrainingOptions(
      problem: problem.problem ?? "simple", problemOptions: try problem.problemOptionValues())
    options.netOptions = try problem.netOptionValues()
    apply(to: &options)
    return Plan(options: options)
  }

  private func resumedPlan() throws -> Plan {
    guard let savePath else {
      throw Failure(.usage, "--resume needs the --save_path of the training to go on with")
    }
    let path = TrainingFolder.statePath(in: savePath)
    guard FileManager.default.fileExists(atPath: path) else {
      throw Failure(
        .missing,
        "there is no training to resume: '\(path)' does not exist; leave out --resume to"
          + " start one")
    }
    let saved = try TrainingStateFile(try SafetensorsFile(contentsOf: path))
    var options = saved.options
    apply(to: &options)
    if let name = problem.problem { options.problem = name }
    if !problem.problemOptions.isEmpty {
      options.problemOptions = try problem.problemOptionValues()
    }
    if !problem.netOptions.isEmpty { options.netOptions = try problem.netOptionValues() }
    // Only when to end and what to report may change: the rest decides the numbers.
    var allowed = saved.options
    allowed.epochCount = options.epochCount
    allowed.logPeriod = options.logPeriod
    for (name, value) in options.json.sorted(by: { $0.key < $1.key })
    where allowed.json[name] != value {
      throw Failure(
        .usage,
        "the training in '\(savePath)' has \(name) \(allowed.json[name]?.text ?? ""), which"
          + " can't become \(value.text) on resuming; leave the option out")
    }
    return Plan(options: options, saved: saved)
  }

  private func apply(to options: inout TrainingOptions) {
    if let epochCount { options.epochCount = epochCount }
    if let logPeriod { options.logPeriod = logPeriod }
    if let evaluationPeriod { options.evaluationPeriod = evaluationPeriod }
    if let evaluationEpochs { options.evaluationEpochs = evaluationEpochs }
    if let stepCount { options.stepCount = stepCount }
    if let unrollLength { options.unrollLength = unrollLength }
    if let learningRate { options.learningRate = learningRate }
    if secondDerivatives { options.secondDerivatives = true }
    if let seed { options.seed = seed }
    if let optimizees { options.optimizees = optimizees }
  }

  private func validate(_ options: TrainingOptions) throws {
    try require("num_epochs", options.epochCount, atLeast: 0)
    try require("log_period", options.logPeriod, atLeast: 1)
    try require("evaluation_period", options.evaluationPeriod, atLeast: 1)
    try require("evaluation_epochs", options.evaluationEpochs, atLeast: 0)
    try require("unroll_length", options.unrollLength, atLeast: 1)
    try require("optimizees", options.optimizees, atLeast: 1)
    try requireLearningRate(options.learningRate)
    guard options.stepCount >= options.unrollLength else {
      throw Failure(
        .usage,
        "--num_steps \(options.stepCount) is less than --unroll_length"
          + " \(options.unrollLength): an epoch would have no unroll")
    }
  }

  private func notify(_ experiment: Experiment, _ options: TrainingOptions) {
    if !experiment.fixedParameters.isEmpty {
      StandardError.notice(
        "no net steps \(experiment.fixedParameters.joined(separator: ", ")): they stay fixed")
    }
    let left = options.stepCount % options.unrollLength
    if left > 0 {
      StandardError.notice(
        "the last \(left) of \(options.stepCount) steps don't fill an unroll of"
          + " \(options.unrollLength) and are left out")
    }
  }
}
