import Catalogs
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Settings
import Unrolling

// Settings of a training that contradict each other: errors before any work.
extension TrainingPlan {
  /// Checks what the estimator, the horizon and the window have to do with each other.
  ///
  /// - Throws: `Failure`.
  func checkEstimation(_ options: TrainingOptions) throws {
    let estimator = try catalog.estimator(for: options)
    let name = options.estimator
    func refuse(_ reason: String) -> Failure { Failure(.usage, reason) }
    try options.checkEstimator { given.contains($0) }
    let metaSteps = options.countedEnd(with: estimator) * options.metaStepsCounted(with: estimator)
    if options.accumulate > max(metaSteps, 1) {
      throw refuse(
        "--accumulate \(options.accumulate) is more than the training's \(metaSteps) windows: no step"
          + " would be taken; accumulate fewer or train longer")
    }
    let (low, high) = (options.horizon.shortest, options.unrollLength)
    if low < high, name != FullEvolutionStrategies.name {
      throw refuse(
        "--unroll_length \(high) is longer than the shortest of --num_steps \(options.horizon): give"
          + " a shorter unroll or longer trajectories")
    }
  }

  /// Checks that what is given for the training's end is what it counts, epochs or meta-steps.
  ///
  /// - Throws: `Failure`.
  func checkCounting(_ options: TrainingOptions) throws {
    // One that there is not is told elsewhere.
    guard let estimator = catalog.estimators.estimator(for: options) else { return }
    let name = options.estimator
    let isBackpropagation = name == TruncatedBackpropagation.name
    func refuse(_ reason: String) -> Failure { Failure(.usage, reason) }
    let countsEpochs = options.countsEpochs(with: estimator)
    if countsEpochs, given.contains("num_meta_steps") {
      throw refuse(
        "--estimator=\(name) counts epochs where all have one length: give --num_epochs instead of"
          + " --num_meta_steps")
    }
    if !countsEpochs, given.contains("num_epochs") {
      throw refuse(
        isBackpropagation
          ? "epochs of --num_steps=\(options.horizon) end at different times, so meta-steps are"
            + " counted: give --num_meta_steps instead of --num_epochs"
          : "--estimator=\(name) counts meta-steps: give --num_meta_steps instead of --num_epochs")
    }
  }

  /// Checks that what is to be frozen is there.
  ///
  /// - Throws: `Failure`.
  func checkFrozen(_ options: TrainingOptions, _ experiment: Experiment) throws {
    let names = experiment.nets.flatMap { net in
      net.optimizer.weights.flatMap { [$0.name, "\(net.key)/\($0.name)"] }
    }
    for name in options.freeze where !names.contains(name) {
      throw Failure(
        .usage,
        "--freeze: no net has weights '\(name)'\(suggestion(name, Array(Set(names)).sorted()))")
    }
    let isTrained = experiment.nets.contains { net in
      net.optimizer.weights.contains {
        !options.freeze.contains($0.name) && !options.freeze.contains("\(net.key)/\($0.name)")
      }
    }
    if !options.freeze.isEmpty, !isTrained {
      throw Failure(.usage, "--freeze names all weights: there is nothing left to train")
    }
  }

  /// Checks that a training whose rate falls to 0 at its end keeps that end.
  ///
  /// - Throws: `Failure`.
  func checkExtent(_ saved: TrainingOptions, _ options: TrainingOptions) throws {
    guard saved.schedule == .cosine,
      (saved.epochCount, saved.metaStepCount) != (options.epochCount, options.metaStepCount)
    else { return }
    throw Failure(
      .usage,
      "the training in '\(settings.savePath ?? "")' has --schedule=cosine, whose learning rate"
        + " follows from where it ends: that can't change on resuming; start a new training from its"
        + " optimizer with --start_from")
  }
}

extension Catalog {
  /// The estimator that a training's options name.
  ///
  /// - Throws: `Failure` when there is none of the name.
  func estimator(for options: TrainingOptions) throws -> any MetaGradientEstimator {
    guard let estimator = estimators.estimator(for: options) else {
      throw Failure(
        .usage,
        "there is no estimator '\(options.estimator)'"
          + suggestion(options.estimator, estimators.map(\.name)))
    }
    return estimator
  }
}

extension TrainingOptions {
  /// Checks settings that one estimator has and others have not.
  ///
  /// - Parameters:
  ///   - isReplay: whether all but what is given is a run's, which had another estimator perhaps.
  ///   - isGiven: whether the user gave a setting.
  /// - Throws: `Failure`.
  func checkEstimator(isReplay: Bool = false, isGiven: (String) -> Bool) throws {
    let name = estimator
    let isBackpropagation = name == TruncatedBackpropagation.name
    func refuse(_ reason: String) -> Failure { Failure(.usage, reason) }
    func counts(_ setting: String) -> Bool { !isReplay || isGiven(setting) }
    let isAnalytic = name == AnalyticPersistentEvolutionStrategies.name
    if secondDerivatives, counts("second_derivatives"), !isBackpropagation, !isAnalytic {
      throw refuse(
        "--second_derivatives is of backpropagation, and --estimator=\(name) takes no derivatives:"
          + " leave it out, or choose backprop or pes-analytic")
    }
    if let steps = perturbationSteps, counts("perturbation_steps") {
      guard name == "nres" else {
        throw refuse("--perturbation_steps is of --estimator=nres, not of \(name): leave it out")
      }
      guard steps.isMultiple(of: unrollLength) else {
        throw refuse(
          "--perturbation_steps \(steps) must be a multiple of --unroll_length"
            + " \(unrollLength)")
      }
    }
    if usesSign, counts("sign"), name != FullEvolutionStrategies.name {
      throw refuse("--sign is of --estimator=full-es, not of \(name): leave it out")
    }
    for (setting, hasEffect) in [
      ("sigma", !isBackpropagation), ("loss_clip", !isBackpropagation),
      ("imitation", isBackpropagation),
      ("log_floor", metaLoss == .log || metaLoss == .final),
      ("weight_decay", metaOptimizer == .adamw),
      ("momentum", metaOptimizer == .sgd),
    ] where isGiven(setting) && !hasEffect {
      let with = [
        "weight_decay": "--meta_optimizer=adamw", "momentum": "--meta_optimizer=sgd",
        "imitation": "--estimator=backprop", "log_floor": "--meta_loss=log or final",
      ]
      throw refuse(
        "--\(setting) has no effect without \(with[setting] ?? "evolution strategies"): leave it out"
      )
    }
  }
}
