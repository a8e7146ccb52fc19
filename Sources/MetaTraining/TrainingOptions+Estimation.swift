internal import Layers
internal import LearnedOptimizers
public import MetaGradients
internal import Tensors
public import Unrolling

extension TrainingOptions {
  /// What estimators are told, for an experiment's nets.
  public func estimationSetting(for experiment: Experiment) -> EstimationSetting {
    var setting = EstimationSetting(
      window: unrollLength, horizon: horizon, metaLoss: metaLoss, lossClip: lossClip)
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
}
