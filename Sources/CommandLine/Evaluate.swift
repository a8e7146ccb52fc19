import ArgumentParser
import Catalogs
import Comparison
import Datasets
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Safetensors
import Settings
import Tensors
import Unrolling

/// What `evaluate` can be told.
struct EvaluateSettings: Configurable {
  var problem = ProblemChoice()
  var optimizer = "L2L"
  var path: String?
  var learningRate: Float = 0.001
  var epochCount = 100
  var stepCount = 100
  var seed: UInt64 = 0
  var split = DatasetSplit.test
  var output: String?
  var collectiveTimeout = 600.0

  static let settings: [Setting<EvaluateSettings>] =
    ProblemChoice.settings.map { $0.within(\.problem) } + [
      Setting(
        "optimizer", \.optimizer, effect: .run, placeholder: "NAME",
        "L2L (a learned one), or a hand-designed one as Adam, NAG, RMSprop; `l2l list` names all"),
      Setting(
        "path", \.path, effect: .run, placeholder: "PATH",
        "the folder or file of the learned optimizer, or 'pretrained' or 'pretrained:NAME' (`l2l list`)"
      ),
      Setting(
        "learning_rate", \.learningRate, in: .atLeast(0), effect: .run,
        "of an optimizer that is not learned"),
      Setting(
        "num_epochs", \.epochCount, in: .from(1, to: 1e7), effect: .run,
        "optimizees, of each problem as many"),
      Setting("num_steps", \.stepCount, in: .from(1, to: 1e7), effect: .run, "steps of each"),
      Setting("seed", \.seed, effect: .run, "of all random numbers"),
      Setting("split", \.split, effect: .run, "the part of a data set"),
      Setting(
        "output", \.output, effect: .run, placeholder: "FILE",
        "a CSV file for all losses: epoch,step,loss"),
      .collectiveTimeout(\.collectiveTimeout),
    ]
}

/// Measures an optimizer on fresh optimizees.
struct Evaluate: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure an optimizer on fresh optimizees.",
    usage: "l2l evaluate --problem=NAME --path=PATH [OPTION ...]",
    discussion: """
      The same seed gives every optimizer the same optimizees: initial parameters, constants and \
      minibatches.
      """)

  @OptionGroup var arguments: SettingArguments<EvaluateSettings>

  static func run(
    _ settings: EvaluateSettings, given: GivenSettings<EvaluateSettings>, on catalog: Catalog
  ) throws {
    try Evaluating(settings: settings, given: given, catalog: catalog).run()
  }
}

/// One call of `evaluate`.
private struct Evaluating {
  let settings: EvaluateSettings
  let given: GivenSettings<EvaluateSettings>
  let catalog: Catalog

  func run() throws {
    let group = try Launch.current.group(
      timeout: .seconds(settings.collectiveTimeout), onHang: Program.failHung)
    // What is wrong is most often wrong on all ranks: rank 0 says it.
    var checked: (experiment: Experiment, weights: [NamedTensors], dataHash: String)?
    _ = try group.decideOnRankZero {
      checked = try prepare()
      return []
    }
    let (experiment, weights, dataHash) = try checked ?? prepare()
    try group.agree(on: agreement(weights, dataHash: dataHash))
    try measure(Unroller(experiment, weights: weights), group)
  }

  /// What is to be measured, and the hash of its data set.
  private func prepare() throws -> (
    experiment: Experiment, weights: [NamedTensors], dataHash: String
  ) {
    let isLearned = settings.optimizer.lowercased() == "l2l"
    let (name, options) = settings.problem.resolved(
      trainedAt: isLearned ? settings.path : nil)
    let entry = try catalog.problem(named: name)
    if let output = settings.output, Launch.current.rank == 0 {
      try requireOutput(output, inputs: [settings.path])
    }
    try takeWorkSpace()
    let nets = try assignments(problem: entry, options: options)
    let built = try makeProblem(
      entry, options: options, split: settings.split,
      directory: settings.problem.dataDirectory)
    return (
      try makeExperiment(
        built, named: name, nets: nets.nets, path: settings.path),
      nets.weights,
      built.dataHash
    )
  }

  /// What all ranks must have in common.
  private func agreement(
    _ tensors: [NamedTensors], dataHash: String
  ) -> [(name: String, hash: UInt64)] {
    var weights = ContentHash()
    for tensor in tensors.flatMap(\.tensors) { weights.add(tensor) }
    return sameProgram() + [
      ("options", ContentHash(given.fingerprint).value), ("weights", weights.value),
      ("data set", ContentHash(dataHash).value),
    ]
  }

  private func measure(_ unroller: Unroller, _ group: any ProcessGroup) throws {
    var bar = ProgressBar()
    let count = settings.epochCount
    let clock = ContinuousClock()
    let start = clock.now
    let evaluation = try unroller.evaluate(
      epochs: count, stepCount: settings.stepCount, unrollLength: settings.stepCount,
      seed: settings.seed, phase: .test,
      group: group, curves: settings.output != nil,
      progress: { if group.rank == 0 { bar.show($0, of: count) } })
    let time = (clock.now - start).inSeconds / Double(count)
    bar.clear()
    guard group.rank == 0 else { return }
    for divergence in evaluation.divergences { StandardError.notice(sentence(divergence)) }
    // The summary first: it must not be lost with a disk that is full by now.
    printSummary("Epoch \(count)", mean: evaluation.meanFinalLoss, time: time)
    let tasks = unroller.experiment.tasks
    if tasks.count > 1 {
      for (index, task) in tasks.enumerated() {
        StandardError.notice("mean final loss of \(task.name): \(evaluation.mean(ofTask: index))")
      }
    }
    if evaluation.divergedCount > 0 {
      let rest = evaluation.meanOfFinished.map { ", the mean of the others is \($0)" } ?? ""
      let runs = tasks.count > 1 ? "\(count * tasks.count) optimizees" : "\(count) epochs"
      StandardError.notice("\(evaluation.divergedCount) of \(runs) diverged\(rest)")
    } else {
      StandardError.notice("mean final loss \(evaluation.meanFinalLoss)")
    }
    if let output = settings.output { try AtomicFile.write(Self.table(evaluation), to: output) }
  }

  private static func table(_ evaluation: Evaluation) -> String {
    var text = "epoch,step,loss\n"
    for (epoch, curve) in evaluation.curves.enumerated() {
      for (step, loss) in curve.enumerated() { text += "\(epoch),\(step),\(loss)\n" }
    }
    return text
  }

  private func assignments(
    problem entry: ProblemEntry, options: [String: String]
  ) throws -> TrainedNets {
    if settings.optimizer.lowercased() == "l2l" {
      if given.contains("learning_rate") {
        StandardError.notice("--learning_rate has no effect on a learned optimizer")
      }
      return try LearnedNets(catalog: catalog, problem: entry, options: options).load(
        overrides: settings.problem.netOptions, path: settings.path, seed: settings.seed)
    }
    guard let chosen = catalog.baseline(spelled: settings.optimizer) else {
      let names = ["L2L"] + catalog.baselines.map(\.name)
      throw Failure(
        .usage,
        "there is no optimizer '\(settings.optimizer)'\(suggestion(settings.optimizer, names))")
    }
    if given.contains("net_option") {
      throw Failure(
        .usage,
        "--net_option is for learned optimizers, but --optimizer is \(chosen.name); leave it out")
    }
    if let path = settings.path {
      throw Failure(
        .usage, "--path '\(path)' names a learned optimizer, but --optimizer is \(chosen.name)")
    }
    return chosen.nets(learningRate: settings.learningRate)
  }
}

/// The problem with its nets; nets from a file that don't fit the problem are bad data.
///
/// - Parameter training: whose training optimizees there will be, if any.
func makeExperiment(
  _ problem: BuiltProblem, named name: String, nets: [NetAssignment], path: String?,
  training: TrainingOptions? = nil
) throws -> Experiment {
  let tasks = problem.tasks(named: name)
  let harder = training?.trainingTasks(tasks)
  guard let path else { return try Experiment(tasks: tasks, trainingTasks: harder, nets: nets) }
  return try Failure.inFile(path) {
    try Experiment(tasks: tasks, trainingTasks: harder, nets: nets)
  }
}
