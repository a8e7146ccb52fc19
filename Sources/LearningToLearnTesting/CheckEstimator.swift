internal import Layers
internal import LearnedOptimizers
public import MetaGradients
internal import Problems
internal import Tensors
internal import Unrolling

/// Checks that an estimator can be trained with on any number of processes and resumed.
///
/// Estimates are finite and of the weights' sizes; the same episode gives the same estimate, whatever
/// the unroller did before and whatever other episodes do; a trajectory that ends is followed by the
/// next one; and two particles see different random numbers.
///
/// ```swift
/// @Test func oneSided() throws { try checkEstimator(OneSided(sigma: 0.01)) }
/// ```
///
/// - Throws: `ConformanceFault`.
public func checkEstimator(_ estimator: any MetaGradientEstimator) throws {
  let subject = type(of: estimator).name
  let rule = CoordinateWiseDeepLSTM(layers: [2], scale: 0.1)
  let experiment = try Experiment(
    problem: Quadratic(batchSize: 2, dimensions: 2, standardDeviation: 1),
    nets: [NetAssignment(key: "cw", optimizer: rule)])
  let unroller = Unroller(experiment)
  let weights = experiment.initialWeights(seed: 5)
  let setting = EstimationSetting(window: 3, horizon: Horizon(7))
  func key(_ particle: Int) -> OptimizeeKey {
    OptimizeeKey(seed: 6, phase: .training, epoch: 0, instance: particle)
  }
  func course(_ particle: Int, disturbed: Bool) throws -> [MetaGradient] {
    var episode = estimator.start(key(particle), in: setting, on: unroller)
    var other = estimator.start(key(particle + 100), in: setting, on: unroller)
    var trajectories: Set<Int> = []
    let estimates = try (0..<6).map { _ in
      if disturbed {
        _ = try estimator.estimate(&other, weights: weights, in: setting, on: unroller)
        unroller.load(experiment.initialWeights(seed: 9))
      }
      let estimate = try estimator.estimate(
        &episode, weights: weights, in: setting, on: unroller)
      trajectories.insert(episode.key.epoch)
      return estimate
    }
    try require(
      trajectories.count > 1, subject, "18 steps did not get it beyond a trajectory of 7")
    return estimates
  }
  let estimates = try course(0, disturbed: false)
  for estimate in estimates {
    try require(estimate.isFinite, subject, "an estimate is not finite")
    try require(
      estimate.gradients.map(\.count) == unroller.weightCounts && !estimate.losses.isEmpty, subject,
      "an estimate has \(estimate.gradients.map(\.count)) numbers for \(unroller.weightCounts) weights"
    )
  }
  for (a, b) in zip(estimates, try course(0, disturbed: true)) {
    try require(
      a.gradients == b.gradients && a.losses == b.losses, subject,
      "an estimate depends on what other episodes do")
  }
  try require(
    estimates[0].losses != (try course(1, disturbed: false))[0].losses, subject,
    "two particles see the same random numbers")
}
