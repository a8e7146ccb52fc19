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
    try requirePositive("clip_norm", options.clipNorm)
    try requirePositive("adjoint_limit", options.adjointLimit)
    try requirePositive("adjoint_smoothing", options.adjointSmoothing)
    guard options.averageSteps.map({ $0 >= 1 && $0 < 1e9 }) ?? true else {
      throw Failure(
        .usage, "--average_steps must be 1 or more, not \(options.averageSteps ?? 0)")
    }
    try requirePositive("learning_rate_half_life", options.halfLife)
    guard options.stepCount >= options.unrollLength else {
      throw Failure(
        .usage,
        "--num_steps \(options.stepCount) is less than --unroll_length"
          + " \(options.unrollLength): an epoch would have no unroll")
    }
  }

  /// Throws unless the value, where there is one, is finite and above 0.
  private func requirePositive(_ name: String, _ value: Double?) throws {
    guard value.map({ $0 > 0 && $0.isFinite }) ?? true else {
      throw Failure(.usage, "--\(name) must be a finite number above 0, not \(value ?? 0)")
    }
  }

  func notify(_ experiment: Experiment, _ options: TrainingOptions) {
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
