package import Tensors

/// Which random numbers an optimizee is made of.
public enum OptimizeePhase: String, Codable, Sendable {
  /// Meta-training.
  case training
  /// Selecting the best optimizer while training.
  case validation
  /// Choosing the learning rates of optimizers that are not learned.
  case tuning
  /// Measuring the final figures.
  case test

  var problem: RandomStream.Purpose {
    switch self {
    case .training: .problem
    case .validation: .validationProblem
    case .tuning: .tuningProblem
    case .test: .testProblem
    }
  }

  var minibatch: RandomStream.Purpose {
    switch self {
    case .training: .minibatch
    case .validation: .validationMinibatch
    case .tuning: .tuningMinibatch
    case .test: .testMinibatch
    }
  }
}

/// Names one optimizee: everything random about it follows from these.
public struct OptimizeeKey: Hashable, Codable, Sendable {
  /// The seed of the run.
  public let seed: UInt64
  /// What the optimizee is used for.
  public let phase: OptimizeePhase
  /// The epoch: where optimizees start at their own times, the number of the trajectory.
  public let epoch: Int
  /// The position among the epoch's optimizees.
  public let instance: Int

  /// The name of an optimizee.
  public init(seed: UInt64, phase: OptimizeePhase, epoch: Int, instance: Int) {
    self.seed = seed
    self.phase = phase
    self.epoch = epoch
    self.instance = instance
  }

  /// The stream that the problem, its parameters and constants are drawn from.
  package var problemStream: RandomStream {
    RandomStream(seed: seed, purpose: phase.problem, epoch: epoch, instance: instance)
  }

  /// The stream of the minibatch of the loss's `evaluation`-th evaluation since the reset.
  package func minibatch(evaluation: Int) -> RandomStream {
    RandomStream(
      seed: seed, purpose: phase.minibatch, epoch: epoch, instance: instance, step: evaluation)
  }
}
