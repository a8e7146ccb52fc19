import Experiments
import MetaTraining

// What is checked before any work, and said where it does not stop the training.
extension Train {
  func requireRunSettings() throws {
    if let checkpointPeriod {
      try require("checkpoint_period", checkpointPeriod, atLeast: 1, atMost: 1_000_000_000)
    }
    guard maxTime.map({ $0 > 0 && $0 < 1e9 }) ?? true else {
      throw Failure(.usage, "--max_time must be above 0 minutes, not \(maxTime ?? 0)")
    }
    try requireTimeout(collectiveTimeout)
  }

  func validate(_ options: TrainingOptions) throws {
    try require("num_epochs", options.epochCount, atLeast: 0, atMost: 1_000_000_000)
    try require("log_period", options.logPeriod, atLeast: 1, atMost: 1_000_000_000)
    try require(
      "evaluation_period", options.evaluationPeriod, atLeast: 1, atMost: 1_000_000_000)
    try require("evaluation_epochs", options.evaluationEpochs, atLeast: 0)
    try require("num_steps", options.stepCount, atLeast: 1)
    try require("unroll_length", options.unrollLength, atLeast: 1)
    try require("optimizees", options.optimizees, atLeast: 1, atMost: 1_000_000)
    try requireLearningRate(options.learningRate)
    guard options.clipNorm.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw Failure(
        .usage, "--clip_norm must be a finite number above 0, not \(options.clipNorm ?? 0)")
    }
    guard options.adjointLimit.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw Failure(
        .usage, "--adjoint_limit must be a finite number above 0, not \(options.adjointLimit ?? 0)")
    }
    guard options.averageSteps.map({ $0 >= 1 && $0 < 1e9 }) ?? true else {
      throw Failure(
        .usage, "--average_steps must be 1 or more, not \(options.averageSteps ?? 0)")
    }
    guard options.halfLife.map({ $0 > 0 && $0 < 1e9 }) ?? true else {
      throw Failure(
        .usage,
        "--learning_rate_half_life must be above 0 epochs, not \(options.halfLife ?? 0)")
    }
    guard options.stepCount >= options.unrollLength else {
      throw Failure(
        .usage,
        "--num_steps \(options.stepCount) is less than --unroll_length"
          + " \(options.unrollLength): an epoch would have no unroll")
    }
  }

  func notify(_ experiment: Experiment, _ options: TrainingOptions) {
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
