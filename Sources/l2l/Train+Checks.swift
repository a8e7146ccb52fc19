import Experiments
import MetaTraining

// What is checked before any work, and said where it does not stop the training.
extension Train {
  func requireRunSettings() throws {
    if let checkpointPeriod {
      try require("checkpoint_period", checkpointPeriod, atLeast: 1, atMost: 1_000_000_000)
    }
    try requirePositive("max_time", maxTime, below: 1e9)
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
    try requirePositive("learning_rate_half_life", options.halfLife, below: 1e9)
    guard options.stepCount >= options.unrollLength else {
      throw Failure(
        .usage,
        "--num_steps \(options.stepCount) is less than --unroll_length"
          + " \(options.unrollLength): an epoch would have no unroll")
    }
  }

  /// Throws unless the value, where there is one, is above 0 and below the limit.
  private func requirePositive(
    _ name: String, _ value: Double?, below limit: Double = .infinity
  ) throws {
    guard let value, !(value > 0 && value < limit) else { return }
    let range = limit < .infinity ? "number above 0 and below \(limit)" : "finite number above 0"
    throw Failure(.usage, "--\(name) must be a \(range), not \(value)")
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
