import ArgumentParser
import Catalogs
import Datasets
import LearnedOptimizers
import MetaGradients
import Problems
import Settings
import Tensors
import Unrolling

/// Measures variance and bias of every estimator of meta-gradients against the window, on a case whose
/// meta-gradient is known.
///
/// The case: trajectories of some steps of an LSTM on quadratics, the mean loss over all of them. The
/// truth is the mean of exact derivatives through whole trajectories, second derivatives included, over other particles than those that estimate. An estimate is the mean over all windows
/// of one trajectory, so that every window costs the same work.
struct Estimators: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimators",
    abstract: "Bias and variance of estimators against the window, as CSV.")

  @Option(name: .customLong("steps"), help: "Steps of a trajectory.")
  var steps = 64
  @Option(name: .customLong("particles"), help: "Trajectories of each measurement.")
  var particles = 400
  @Option(name: .customLong("sigma"), help: "The deviation of perturbations.")
  var sigma: Float = 0.01

  mutating func run() throws {
    let catalog = Catalog.standard
    let built = try catalog.problem(named: "quadratic").make(
      options: ["batch_size": "4", "num_dims": "4", "stddev": "1"],
      data: ProblemData(split: .train))
    let optimizer = try catalog.optimizer(named: CoordinateWiseDeepLSTM.name)
      .make(options: ["layers": .array([.number(4)]), "scale": .number(0.1)])
    let experiment = try Experiment(
      problem: built.problem, named: "quadratic",
      nets: [NetAssignment(key: "cw", optimizer: optimizer)])
    let unroller = Unroller(experiment)
    let weights = experiment.initialWeights(seed: 1)
    let truth = try backpropagated(window: steps, unroller, weights, seed: 1)
    print("estimator,window,relative_bias,bias_error,relative_variance")
    func tell(_ name: String, _ window: Int, _ found: [[Double]]) {
      let line = compare(found, with: truth)
      print("\(name),\(window),\(line.bias),\(line.error),\(line.variance)")
    }
    for window in 1...steps where window.nonzeroBitCount == 1 && steps.isMultiple(of: window) {
      tell(
        "backprop", window, try backpropagated(window: window, unroller, weights, seed: 2))
      let estimators: [(name: String, estimator: any MetaGradientEstimator)] = [
        ("es", TruncatedEvolutionStrategies(sigma: sigma)),
        ("pes", PersistentEvolutionStrategies(sigma: sigma, reuse: .window)),
        ("nres", PersistentEvolutionStrategies(sigma: sigma, reuse: .trajectory)),
        ("pes-analytic", AnalyticPersistentEvolutionStrategies(sigma: sigma)),
      ]
      for (name, estimator) in estimators {
        tell(name, window, try sample(estimator, window: window, unroller, weights, seed: 2))
      }
    }
  }

  private func key(_ particle: Int, _ seed: UInt64) -> OptimizeeKey {
    // A first trajectory, epoch 0, may be cut short to stagger particles: later ones are whole.
    OptimizeeKey(seed: seed, phase: .training, epoch: 1, instance: particle)
  }

  /// Derivatives of the mean loss of one trajectory a particle, cut into windows.
  private func backpropagated(
    window: Int, _ unroller: Unroller, _ weights: [NamedTensors], seed: UInt64
  ) throws -> [[Double]] {
    let exact = TruncatedBackpropagation(order: .second())
    unroller.load(weights)
    return try (0..<particles).map { particle in
      var optimizee = unroller.makeOptimizee(key(particle, seed))
      var sum = [Double](repeating: 0, count: unroller.weightCounts[0])
      for _ in 0..<steps / window {
        // The loss behind a window belongs to the next.
        let found = try exact.unrolled(
          &optimizee, steps: window,
          lossWeights: { losses in losses.indices.map { $0 < window ? 1 : 0 } }, on: unroller)
        optimizee.evaluations -= 1
        for index in sum.indices { sum[index] += found.gradients[0][index] / Double(steps) }
      }
      return sum
    }
  }

  /// One estimate a particle: the mean over the windows of one trajectory.
  private func sample(
    _ estimator: any MetaGradientEstimator, window: Int, _ unroller: Unroller,
    _ weights: [NamedTensors], seed: UInt64
  ) throws -> [[Double]] {
    let setting = EstimationSetting(window: window, horizon: Horizon(steps))
    return try (0..<particles).map { particle in
      var episode = estimator.start(key(particle, seed), in: setting, on: unroller)
      var sum = [Double](repeating: 0, count: unroller.weightCounts[0])
      let windows = steps / window
      for _ in 0..<windows {
        let estimate = try estimator.estimate(&episode, weights: weights, in: setting, on: unroller)
        for index in sum.indices {
          sum[index] += estimate.gradients[0][index] / Double(windows)
        }
      }
      return sum
    }
  }

  /// The distance of the means and the variance of one estimate, relative to the truth's length.
  private func compare(
    _ found: [[Double]], with truth: [[Double]]
  ) -> (bias: Double, error: Double, variance: Double) {
    let (mean, variance) = moments(found)
    let (wanted, wantedVariance) = moments(truth)
    let squaredLength = wanted.reduce(0) { $0 + $1 * $1 }
    let distance = zip(mean, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    // What distance chance alone makes.
    let chance = variance / Double(found.count) + wantedVariance / Double(truth.count)
    return (
      (max(distance - chance, 0) / squaredLength).squareRoot(),
      (chance / squaredLength).squareRoot(), variance / squaredLength
    )
  }

  /// The mean and the sum of the elements' variances.
  private func moments(_ vectors: [[Double]]) -> (mean: [Double], variance: Double) {
    let count = Double(vectors.count)
    var mean = [Double](repeating: 0, count: vectors[0].count)
    for vector in vectors { for index in mean.indices { mean[index] += vector[index] / count } }
    var variance = 0.0
    for vector in vectors {
      for index in mean.indices {
        variance += (vector[index] - mean[index]) * (vector[index] - mean[index]) / (count - 1)
      }
    }
    return (mean, variance)
  }
}
