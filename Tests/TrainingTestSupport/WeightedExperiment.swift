package import LearnedOptimizers
package import MetaGradients
package import MetaTraining
package import Problems
package import Tensors
package import TestSupport
package import Unrolling

/// The distance of two vectors relative to the norm of the second.
package func distance(_ a: [some BinaryFloatingPoint], _ b: [Float]) -> Double {
  var difference = 0.0
  var norm = 0.0
  for (x, y) in zip(a, b) {
    difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
    norm += Double(y) * Double(y)
  }
  return (difference / max(norm, 1e-60)).squareRoot()
}

/// An experiment and the weights that its nets start with.
package struct WeightedExperiment {
  /// The experiment.
  package let experiment: Experiment
  /// One set of weights a net.
  package let weights: [NamedTensors]

  /// A problem with nets and their weights.
  package init(_ problem: any Problem, nets: [NetAssignment], weights: [NamedTensors]) throws {
    experiment = try Experiment(problem: problem, nets: nets)
    self.weights = weights
  }

  /// An unroller with the weights loaded.
  package func makeUnroller() -> Unroller { Unroller(experiment, weights: weights) }

  /// The state of a training that starts with the weights.
  package func initialState(_ options: TrainingOptions) -> TrainingState {
    TrainingState(weights: weights, options: options)
  }
}

/// An experiment of one net that steps every parameter of a problem.
package func experiment<Rule: LearnedOptimizer>(
  _ problem: any Problem, _ net: Weighted<Rule>
) throws -> WeightedExperiment {
  try WeightedExperiment(
    problem, nets: [NetAssignment(key: "cw", optimizer: net.rule)], weights: [net.weights])
}

/// An experiment of one rule without weights.
package func experiment(
  _ problem: any Problem, _ rule: any LearnedOptimizer
) throws -> WeightedExperiment {
  precondition(!rule.isTrained, "a rule with weights needs some")
  return try WeightedExperiment(
    problem, nets: [NetAssignment(key: "cw", optimizer: rule)], weights: [NamedTensors()])
}

/// A coordinate-wise net with weights drawn for tests.
package func net(
  _ layers: [Int], preprocess: Preprocessing = .identity, scale: Float = 1,
  initializers: WeightInitializers = .standard, seed: UInt64 = 3
) -> Weighted<CoordinateWiseDeepLSTM> {
  Weighted(
    CoordinateWiseDeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, initializers: initializers),
    seed: seed)
}

/// The key of a training optimizee.
package func key(epoch: Int = 0, instance: Int = 0, seed: UInt64 = 0) -> OptimizeeKey {
  OptimizeeKey(seed: seed, phase: .training, epoch: epoch, instance: instance)
}

extension Unroller {
  /// Unrolls and differentiates, by backpropagation of this order.
  package func unroll(
    _ optimizee: inout Optimizee, steps: Int, _ order: TruncatedBackpropagation.Order = .first,
    metaLoss: MetaLoss = .sum
  ) throws(Divergence) -> MetaGradient {
    try TruncatedBackpropagation(order: order).unrolled(
      &optimizee, steps: steps, metaLoss: metaLoss, on: self)
  }
}
