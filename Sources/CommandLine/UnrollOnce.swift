import ArgumentParser
import Catalogs
import Datasets
import Files
import Layers
import LearnedOptimizers
import MPIGroups
import MetaGradients
import MetaTraining
internal import Platform
import Problems
import Safetensors
import Settings
import Tensors
import Unrolling

/// What `unroll` can be told.
struct UnrollSettings: Configurable {
  var problem = ProblemChoice()
  var path: String?
  var unrollLength: Int?
  /// How meta-gradients are found: the run's, with what is given in its place.
  var training = TrainingOptions()
  var statePath: String?
  var epoch: Int?
  var instance = 0
  var output: String?

  /// What of a training decides an unroll's numbers.
  private static let ofTraining = [
    "estimator", "second_derivatives", "meta_loss", "log_floor", "clip_norm", "adjoint_limit",
    "adjoint_smoothing", "sigma", "perturbation_steps", "sign", "loss_clip", "seed",
  ]

  static let settings: [Setting<UnrollSettings>] =
    ProblemChoice.settings.map { $0.within(\.problem) } + [
      Setting(
        "path", \.path, effect: .run, placeholder: "PATH",
        "the learned optimizer: a file, or a folder"),
      Setting(
        "unroll_length", \.unrollLength, in: .from(1, to: 1e7), effect: .run,
        default: "the training's, else 20", "steps"),
    ]
    + ofTraining.compactMap { TrainingOptions.setting(named: $0)?.within(\.training) } + [
      Setting(
        "state", \.statePath, effect: .run, placeholder: "FILE",
        "initial values, a safetensors file"),
      Setting(
        "epoch", \.epoch, in: .from(0, to: 1e9), effect: .run,
        default: "0; of a training's state, where it stands",
        "the epoch, from 0, whose optimizee is unrolled; of evolution strategies the trajectory"),
      Setting(
        "instance", \.instance, in: .from(0, to: 1e7), effect: .run,
        "the optimizee's number in the epoch, from 0"),
      Setting(
        "output", \.output, effect: .run, placeholder: "FILE",
        "the file to write; else losses are printed"),
    ]
}

/// Writes out one unroll number by number.
struct UnrollOnce: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "unroll",
    abstract: "Unroll one optimizee and write out losses, final parameters and meta-gradients.",
    usage: "l2l unroll --path=PATH [--problem=NAME] [OPTION ...]",
    discussion: """
      --state overrides what it names: x0/<parameter>, const/<constant>, images and labels (the \
      minibatch used at every evaluation of the loss). Sizes that problem options would set follow \
      the given tensors. The output holds fx [T+1], meta_loss [], x_final/<parameter>, \
      grad/<weight> (grad/<net>/<weight> with several nets), and with evolution strategies \
      losses_plus, losses_minus and perturbation/<weight>.

      To replay an optimizee of a training, give --path its folder, for the weights of the best \
      evaluation, or its latest.training-state.safetensors, for the last ones: problem, options, \
      seed, unroll length and all that decides the meta-gradient are then the run's, but for what \
      is given here. From a state the optimizee --instance goes on where the training stands, as \
      the training would, to the same losses and meta-gradients; with --epoch it starts anew.
      """)

  @OptionGroup var arguments: SettingArguments<UnrollSettings>

  static func run(
    _ settings: UnrollSettings, given: GivenSettings<UnrollSettings>, on catalog: Catalog
  ) throws {
    // One unroll is one process's work.
    guard Launch.current.rank == 0 else { return }
    try Unrolling(settings: settings, given: given, catalog: catalog).run()
  }
}

/// One call of `unroll`.
private struct Unrolling {
  let settings: UnrollSettings
  let given: GivenSettings<UnrollSettings>
  let catalog: Catalog

  func run() throws {
    let path = settings.path
    let state = try path.flatMap(Self.trainingState)
    let options = try options(state)
    if let output = settings.output {
      try requireOutput(output, inputs: [settings.path, settings.statePath])
    }
    let estimator = try catalog.estimator(for: options)
    try options.checkEstimator(isReplay: true) { given.contains($0) }
    try takeWorkSpace()
    let values = try GivenState(path: settings.statePath)
    let (experiment, weights, saved) = try experiment(options, values, state)
    let unroller = Unroller(experiment, weights: weights)
    var setting = options.estimationSetting(for: experiment)
    if settings.unrollLength != nil || !isReplay(state) {
      // Without a run the unroll is all that there will be.
      setting.horizon = Horizon(options.unrollLength)
    }
    var episode = try episode(
      estimator, options, &setting, goesOn(state, options) ? saved : nil, unroller)
    for walker in episode.walkers.indices { try values.apply(to: &episode.walkers[walker]) }
    let outcome: MetaGradient
    do throws(Divergence) {
      outcome = try estimator.estimate(
        &episode, weights: weights, in: setting, on: unroller)
    } catch {
      throw Failure(.badData, sentence(error))
    }
    guard let output = settings.output else {
      for (step, loss) in outcome.losses.enumerated() {
        StandardOutput.write("f(x_\(step)) = \(loss)")
      }
      return StandardOutput.write("meta-loss = \(outcome.metaLoss)")
    }
    try UnrollFile.contents(outcome, episode, experiment).write(to: output)
  }

  // MARK: - What is unrolled

  private func isReplay(_ state: TrainingStateFile?) -> Bool {
    state != nil || settings.path.flatMap(Origin.init(ofSaved:))?.training != nil
  }

  /// The options of the run that `--path` names, or the defaults, with what the user gives.
  private func options(_ state: TrainingStateFile?) throws -> TrainingOptions {
    var all = settings
    let origin = settings.path.flatMap { state == nil ? Origin(ofSaved: $0) : nil }
    // A run on another problem is no run of this one: only its net is used.
    let run = (state?.options ?? origin?.training).flatMap { run in
      settings.problem.name.map { $0 == run.problem } ?? true ? run : nil
    }
    if let run { all.training = run }
    try given.apply(to: &all)
    var options = all.training
    options.problem = settings.problem.name ?? run?.problem ?? origin?.problem ?? "simple"
    options.problemOptions = (run?.problemOptions ?? [:]).merging(settings.problem.options) { $1 }
    options.netOptions = (state == nil ? [:] : run?.netOptions ?? [:])
      .merging(settings.problem.netOptions) { $1 }
    if let length = settings.unrollLength { options.unrollLength = length }
    return options
  }

  /// Whether the optimizee is the one that a training would go on with.
  private func goesOn(_ state: TrainingStateFile?, _ options: TrainingOptions) -> Bool {
    guard let run = state?.options, settings.epoch == nil else { return false }
    return settings.problem.isRunsOwn && run.estimator == options.estimator
      && run.seed == options.seed
  }

  /// The optimizee to unroll: that of the training where it stands, or one that starts.
  private func episode(
    _ estimator: any MetaGradientEstimator, _ options: TrainingOptions,
    _ setting: inout EstimationSetting, _ saved: TrainingState?, _ unroller: Unroller
  ) throws -> Episode {
    let particle = settings.instance
    guard let saved else {
      // What the training had done by then is not known; horizons that grow are at their beginning.
      let key = OptimizeeKey(
        seed: options.seed, phase: .training, epoch: settings.epoch ?? 0, instance: particle)
      return estimator.start(key, in: setting, on: unroller)
    }
    guard particle < options.optimizees else {
      throw Failure(
        .usage,
        "the training has \(options.optimizees) optimizees, so no --instance \(particle) that goes"
          + " on; give one below \(options.optimizees), or --epoch for one that starts")
    }
    setting.metaStep = options.metaStep(after: saved, with: estimator)
    guard let episode = saved.episodes.first(where: { $0.key.instance == particle }) else {
      return estimator.start(
        options.startKey(of: particle, after: saved, with: estimator), in: setting, on: unroller)
    }
    if let divergence = episode.divergence { throw Failure(.badData, sentence(divergence)) }
    return episode
  }

  private func experiment(
    _ options: TrainingOptions, _ values: GivenState, _ state: TrainingStateFile?
  ) throws -> (Experiment, [NamedTensors], TrainingState?) {
    let entry = try catalog.problem(named: options.problem)
    var problemOptions = options.problemOptions
    for (name, value) in try values.impliedOptions(of: entry) where problemOptions[name] == nil {
      problemOptions[name] = value
    }
    let path = settings.path
    let nets = try LearnedNets(catalog: catalog, problem: entry, options: problemOptions).load(
      overrides: options.netOptions, path: state == nil ? path : nil, seed: options.seed,
      warns: state == nil)
    let built = try makeProblem(
      entry, options: problemOptions, split: .train, directory: settings.problem.dataDirectory,
      fixedBatch: try values.batch())
    let experiment = try makeExperiment(
      built, named: entry.name, nets: nets.nets, path: path, training: options)
    guard let state else { return (experiment, nets.weights, nil) }
    do {
      return try Failure.inFile(path ?? "") {
        let saved = try state.state(for: experiment)
        return (experiment, saved.weights, saved)
      }
    } catch let failure as Failure where state.options.problem != entry.name {
      throw Failure(
        failure.code,
        "'\(path ?? "")' is the state of a training on \(state.options.problem), whose nets don't fit"
          + " \(entry.name): leave out --problem, or give --problem=\(state.options.problem)")
    }
  }

  /// The training state in a file; nil for folders and for files that are saved optimizers.
  private static func trainingState(at path: String) throws -> TrainingStateFile? {
    guard let status = Path(path).status, !status.isFolder else { return nil }
    let file = try SafetensorsFile(contentsOf: path)
    return TrainingStateFile.isTrainingState(file) ? try TrainingStateFile(file) : nil
  }
}

extension ProblemChoice {
  /// Whether all is left as the run has it.
  fileprivate var isRunsOwn: Bool { name == nil && options.isEmpty && netOptions.isEmpty }
}
