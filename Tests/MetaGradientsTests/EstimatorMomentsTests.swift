import LearnedOptimizers
import MetaGradients
import Tensors
import Testing
import Unrolling

/// Mean and variance of estimators where both are known.
@Suite("Moments of the estimators")
struct EstimatorMomentsTests {
  /// Windows of W steps of trajectories of T steps, until whole trajectories end with a window.
  struct Lengths: CustomTestStringConvertible {
    let window: Int
    let trajectory: Int
    let windows: Int
    var testDescription: String { "W = \(window), T = \(trajectory), \(windows) windows" }

    var setting: EstimationSetting {
      EstimationSetting(window: window, horizon: Horizon(trajectory))
    }

    /// The derivative of the windows' mean losses, summed; of what weights do in the step of an index
    /// where `counts` says so.
    func derivative(_ counts: (_ loss: Int, _ step: Int) -> Bool = { _, _ in true }) -> [Double] {
      var sum = [Double](repeating: 0, count: LinearSystem.weightCount)
      for loss in 0..<window * windows {
        for step in 0..<loss where step / trajectory == loss / trajectory && counts(loss, step) {
          let part = LinearSystem.derivative(
            ofLoss: loss % trajectory, byStep: step % trajectory)
          for index in sum.indices { sum[index] += part[index] / Double(window) }
        }
      }
      return sum
    }
  }

  private static let aligned = Lengths(window: 3, trajectory: 6, windows: 2)
  private static let crossing = Lengths(window: 3, trajectory: 5, windows: 5)
  private static let particles = 1000

  @Test(
    "pes, nres and what lies between have the derivative as their mean, over ends of trajectories too",
    arguments: [aligned, crossing],
    [PersistentEvolutionStrategies.Reuse.window, .steps(3), .steps(6), .trajectory])
  func unbiased(lengths: Lengths, reuse: PersistentEvolutionStrategies.Reuse) throws {
    let sample = try EstimateSample(
      PersistentEvolutionStrategies(sigma: 0.1, reuse: reuse, staggers: false), lengths.setting,
      particles: Self.particles, windows: lengths.windows)
    let exact = lengths.derivative()
    // Four standard errors are passed once in 16,000 elements.
    #expect(sample.distances(from: exact).allSatisfy { $0 < 4 }, "\(sample.mean), not \(exact)")
    // And what truncation leaves out would be seen.
    let truncated = lengths.derivative { $0 / lengths.window == $1 / lengths.window }
    #expect(sample.distances(from: truncated).contains { $0 > 5 })
  }

  @Test(
    "truncated es has the derivative within the windows as its mean",
    arguments: [aligned, crossing])
  func truncated(lengths: Lengths) throws {
    let setting = lengths.setting
    // Particles of later trajectories are not staggered.
    let sample = try EstimateSample(
      Unstaggered(base: TruncatedEvolutionStrategies(sigma: 0.1)), setting,
      particles: Self.particles, windows: lengths.windows)
    let exact = lengths.derivative { $0 / lengths.window == $1 / lengths.window }
    #expect(sample.distances(from: exact).allSatisfy { $0 < 4 }, "\(sample.mean), not \(exact)")
    #expect(sample.distances(from: lengths.derivative()).contains { $0 > 5 })
  }

  @Test("full-es has the derivative of whole trajectories as its mean")
  func full() throws {
    let lengths = Lengths(window: 6, trajectory: 6, windows: 2)
    var setting = lengths.setting
    // The window does not count.
    setting.window = 2
    let sample = try EstimateSample(
      FullEvolutionStrategies(sigma: 0.1), setting, particles: Self.particles, windows: 2)
    let exact = lengths.derivative()
    #expect(sample.distances(from: exact).allSatisfy { $0 < 4 }, "\(sample.mean), not \(exact)")
  }

  @Test("with backpropagation pes has the same mean and less variance")
  func analytic() throws {
    let lengths = Self.aligned
    let (pes, analytic) = try (
      EstimateSample(
        PersistentEvolutionStrategies(sigma: 0.1, staggers: false), lengths.setting,
        particles: Self.particles, windows: lengths.windows),
      EstimateSample(
        Unstaggered(base: AnalyticPersistentEvolutionStrategies(sigma: 0.1)), lengths.setting,
        particles: Self.particles, windows: lengths.windows)
    )
    let exact = lengths.derivative()
    #expect(analytic.distances(from: exact).allSatisfy { $0 < 4 }, "\(analytic.mean)")
    let trace = { (sample: EstimateSample) in sample.variance.reduce(0, +) }
    #expect(trace(analytic) < 0.75 * trace(pes))
  }

  @Test("with backpropagation a first window is exact")
  func analyticWindow() throws {
    let setting = EstimationSetting(window: 4, horizon: Horizon(8))
    let sample = try EstimateSample(
      Unstaggered(base: AnalyticPersistentEvolutionStrategies(sigma: 0.1)), setting, particles: 3,
      windows: 1)
    let exact = Lengths(window: 4, trajectory: 4, windows: 1).derivative()
    for found in sample.sums {
      for (x, y) in zip(found, exact) { #expect(abs(x - y) < 1e-5 * abs(y)) }
    }
  }

  // MARK: - Variance

  /// The variance of the summed estimates, all elements together, of Gaussian perturbations of P
  /// weights.
  ///
  /// With v_w the derivatives of window w's mean loss by the weights of the windows up to it, one after
  /// the other, and S_w the sum over these windows, pes is the sum over w of (S_w e)(v_w e) / sigma^2.
  /// By Isserlis' theorem its squared norm has the mean
  /// sum over w, u of P min(w, u) v_w v_u + (S_w v_w)(S_u v_u) + (S_w v_u)(S_u v_w).
  /// nres is e (G e) / sigma^2, with variance (P + 1) |G|^2.
  private func predicted(_ lengths: Lengths) -> (pes: Double, nres: Double) {
    let (window, count) = (lengths.window, lengths.windows)
    func derivative(window w: Int, by u: Int) -> [Double] {
      lengths.derivative { $0 / window == w && $1 / window == u }
    }
    let parts = (0..<count).map { w in (0...w).map { derivative(window: w, by: $0) } }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    /// S_w v_u.
    func sum(_ w: Int, _ u: Int) -> [Double] {
      parts[u].prefix(w + 1).reduce([0, 0, 0]) { zip($0, $1).map { $0 + $1 } }
    }
    var pes = 0.0
    for w in 0..<count {
      for u in 0..<count {
        let common = zip(parts[w], parts[u]).reduce(0) { $0 + product($1.0, $1.1) }
        pes += Double(LinearSystem.weightCount * (min(w, u) + 1)) * common
        pes += product(sum(w, u), sum(u, w))
      }
    }
    let total = lengths.derivative()
    return (pes, Double(LinearSystem.weightCount + 1) * product(total, total))
  }

  @Test("the variances of pes and nres are those that theory predicts")
  func variances() throws {
    // Eight windows: what one does to later ones is most of it.
    let lengths = Lengths(window: 1, trajectory: 8, windows: 8)
    let expected = predicted(lengths)
    for (reuse, expected) in [
      (PersistentEvolutionStrategies.Reuse.window, expected.pes), (.trajectory, expected.nres),
    ] {
      let sample = try EstimateSample(
        PersistentEvolutionStrategies(sigma: 0.1, reuse: reuse, staggers: false), lengths.setting,
        particles: 2500, windows: lengths.windows)
      let found = sample.variance.reduce(0, +)
      // The square of a Gaussian form has heavy tails: a sample variance of 2,500 is off by some 6%.
      #expect(abs(found / expected - 1) < 0.2, "\(found), not \(expected)")
    }
    // The windows agree: fresh perturbations average out.
    #expect(expected.pes < 0.8 * expected.nres)
  }
}

/// Another estimator whose particles all start at the start of their trajectories.
private struct Unstaggered: MetaGradientEstimator {
  static let name = "unstaggered"
  let base: any MetaGradientEstimator

  func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    var episode = base.start(key, in: setting, on: unroller)
    episode.length = setting.horizon.length(of: key, metaStep: setting.metaStep)
    return episode
  }

  func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    try base.estimate(&episode, weights: weights, in: setting, on: unroller)
  }
}
