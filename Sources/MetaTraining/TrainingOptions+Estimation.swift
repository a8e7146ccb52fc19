internal import Layers
internal import LearnedOptimizers
public import MetaGradients
internal import Problems
internal import Tensors
public import Unrolling

extension TrainingOptions {
  /// What meta-training deals from, where that is made harder than the tasks themselves; else nil.
  public func trainingTasks(_ tasks: [TaskAssignment]) -> [TaskAssignment]? {
    guard randomScaling != nil || hasConvexTerm else { return nil }
    return tasks.map {
      TaskAssignment(
        $0.name,
        RandomScaling(
          $0.family, range: randomScaling.map { Float($0) } ?? 0, convexTerm: hasConvexTerm))
    }
  }

  /// What estimators are told, for an experiment's nets.
  public func estimationSetting(for experiment: Experiment) -> EstimationSetting {
    var setting = EstimationSetting(
      window: unrollLength, horizon: horizon, metaLoss: MetaLoss(metaLoss, floor: logFloor),
      lossClip: lossClip)
    if !freeze.isEmpty {
      setting.frozen = experiment.nets.map { net in
        net.optimizer.weights.flatMap { weight in
          [Bool](
            repeating: freeze.contains(weight.name) || freeze.contains("\(net.key)/\(weight.name)"),
            count: weight.shape.count)
        }
      }
    }
    return setting
  }

  /// Whether a training with this estimator counts epochs; else it counts meta-steps.
  ///
  /// Epochs need particles that start and end together, and trajectories of one length.
  public func countsEpochs(with estimator: any MetaGradientEstimator) -> Bool {
    estimator.isInStep && horizon.constant != nil
  }

  /// How many meta-steps are in one of what a training counts: those of an epoch, or one.
  package func metaStepsCounted(with estimator: any MetaGradientEstimator) -> Int {
    countsEpochs(with: estimator) ? unrollCount : 1
  }

  /// How many a training counts to its end.
  package func countedEnd(with estimator: any MetaGradientEstimator) -> Int {
    countsEpochs(with: estimator) ? epochCount : metaStepCount
  }

  /// The number of the meta-step that a training takes next.
  package func metaStep(
    after state: TrainingState, with estimator: any MetaGradientEstimator
  ) -> Int { state.epoch * metaStepsCounted(with: estimator) + state.unroll }

  /// What the random numbers of a particle that starts anew follow from.
  package func startKey(
    of particle: Int, after state: TrainingState, with estimator: any MetaGradientEstimator
  ) -> OptimizeeKey {
    OptimizeeKey(
      seed: seed, phase: .training, epoch: countsEpochs(with: estimator) ? state.epoch : 0,
      instance: particle)
  }
}
