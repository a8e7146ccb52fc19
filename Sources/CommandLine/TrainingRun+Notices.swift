import LearnedOptimizers
import MetaTraining
import Unrolling

// What is said of a training before it starts.
extension TrainingRun {
  func notify(_ experiment: Experiment, _ options: TrainingOptions) {
    if settings.savePath == nil {
      StandardError.notice("warning: without --save_path nothing is saved")
    }
    if !experiment.nets.contains(where: \.optimizer.isTrained) {
      StandardError.notice(
        "warning: none of the nets has weights, so there is nothing to train; l2l evaluate measures"
          + " hand-designed optimizers")
    }
    if !experiment.fixedParameters.isEmpty {
      StandardError.notice(
        "no net steps \(experiment.fixedParameters.joined(separator: ", ")): they stay fixed")
    }
    let limits = [
      ("--adjoint_limit", options.adjointLimit), ("--adjoint_smoothing", options.adjointSmoothing),
    ]
    for (name, value) in limits where value != nil && !options.secondDerivatives {
      StandardError.notice("\(name) has no effect without --second_derivatives")
    }
    let left = options.stepCount % options.unrollLength
    if left > 0 {
      StandardError.notice(
        "the last \(left) of \(options.stepCount) steps don't fill an unroll of"
          + " \(options.unrollLength) and are left out")
    }
  }
}
