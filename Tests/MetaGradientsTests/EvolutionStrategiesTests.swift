import LearnedOptimizers
import MetaGradients
import Problems
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

@Suite("Evolution strategies")
struct EvolutionStrategiesTests {
  private let experiment: WeightedExperiment

  init() throws {
    experiment = try TrainingTestSupport.experiment(
      Quadratic(batchSize: 3, dimensions: 4, standardDeviation: 1), net([4], scale: 0.1))
  }

  /// The estimates of consecutive windows of one particle.
  private func estimates(
    _ estimator: any MetaGradientEstimator, _ setting: EstimationSetting, windows: Int,
    particle: Int = 0
  ) throws -> (estimates: [MetaGradient], episode: Episode) {
    let unroller = experiment.makeUnroller()
    var episode = estimator.start(key(instance: particle), in: setting, on: unroller)
    let estimates = try (0..<windows).map { _ in
      try estimator.estimate(&episode, weights: experiment.weights, in: setting, on: unroller)
    }
    return (estimates, episode)
  }

  @Test(
    "with windows as long as trajectories pes and nres are full-es, bit for bit",
    arguments: MetaLoss.allCases)
  func wholeTrajectories(metaLoss: MetaLoss) throws {
    for horizon in [Horizon(6), Horizon(3...9)] {
      for particle in 0..<2 {
        // The window that pes is told is the longest trajectory: with a range, one trajectory at once.
        guard let length = horizon.constant else { continue }
        let setting = EstimationSetting(window: length, horizon: horizon, metaLoss: metaLoss)
        let full = try estimates(FullEvolutionStrategies(), setting, windows: 3, particle: particle)
        for reuse in [PersistentEvolutionStrategies.Reuse.window, .trajectory] {
          let found = try estimates(
            PersistentEvolutionStrategies(reuse: reuse), setting, windows: 3, particle: particle)
          #expect(found.estimates.map(\.gradients) == full.estimates.map(\.gradients))
          #expect(found.estimates.map(\.metaLoss) == full.estimates.map(\.metaLoss))
          #expect(found.estimates.map(\.losses) == full.estimates.map(\.losses))
          #expect(found.estimates.map(\.finalLosses) == full.estimates.map(\.finalLosses))
        }
        #expect(full.estimates.allSatisfy { $0.norm > 0 && $0.finalLosses.count == 1 })
        #expect(Set(full.estimates.map(\.metaLoss)).count == 3)
      }
    }
  }

  @Test("full-es takes whole trajectories of their own lengths, whatever the window is")
  func fullLengths() throws {
    let setting = EstimationSetting(window: 4, horizon: Horizon(3...9))
    let found = try estimates(FullEvolutionStrategies(), setting, windows: 5)
    let lengths = (0..<5).map { setting.horizon.length(of: key(epoch: $0), metaStep: 0) }
    #expect(found.estimates.map(\.losses.count) == lengths)
    #expect(Set(lengths).count > 1)
  }

  @Test("the walkers are unrolls under the weights plus and minus what was drawn")
  func pairs() throws {
    let setting = EstimationSetting(window: 4, horizon: Horizon(8))
    let sigma: Float = 0.05
    let unroller = experiment.makeUnroller()
    let estimator = PersistentEvolutionStrategies(
      sigma: sigma, reuse: .trajectory, staggers: false)
    var episode = estimator.start(key(), in: setting, on: unroller)
    let estimates = try (0..<2).map { _ in
      try estimator.estimate(&episode, weights: experiment.weights, in: setting, on: unroller)
    }
    let drawn = episode.perturbation[0]
    let size = (drawn.dot(drawn) / Double(drawn.count)).squareRoot()
    #expect(abs(size / Double(sigma) - 1) < 0.2)
    let weights = experiment.weights[0]
    for (sign, walker) in [(Float(1), 0), (-1, 1)] {
      unroller.load([
        weights.unflattening(weights.flattened + drawn.affine(scale: sign, offset: 0))
      ])
      var optimizee = unroller.makeOptimizee(key(), plannedSteps: 8)
      let losses = try (0..<8).map { _ in try unroller.step(&optimizee) }
      let pairs = estimates.compactMap(\.pair)
      #expect(pairs.flatMap { walker == 0 ? $0.plus : $0.minus } == losses)
      #expect(
        haveSameBits(
          episode.walkers[walker].parameters.elements, optimizee.parameters.elements))
    }
    // By the definition, in double precision.
    for estimate in estimates {
      let pair = try #require(estimate.pair)
      let difference = zip(pair.plus, pair.minus).reduce(0) { $0 + Double($1.0) - Double($1.1) } / 4
      let factor = difference / (2 * Double(sigma) * Double(sigma))
      for (found, drawn) in zip(estimate.gradients[0], drawn.elements) {
        // Four losses of up to 10 in another order of additions, over 2 sigma^2.
        #expect(abs(found - Double(drawn) * factor) < 1e-10)
      }
    }
  }

  @Test("full-es with signs has the size of the perturbation over 2 sigma^2")
  func signs() throws {
    let setting = EstimationSetting(window: 5, horizon: Horizon(5))
    let plain = try estimates(FullEvolutionStrategies(), setting, windows: 2).estimates
    let signed = try estimates(FullEvolutionStrategies(usesSign: true), setting, windows: 2)
      .estimates
    for (plain, signed) in zip(plain, signed) {
      let pair = try #require(plain.pair)
      let difference = zip(pair.plus, pair.minus).reduce(0) { $0 + Double($1.0) - Double($1.1) } / 5
      for (x, y) in zip(plain.gradients[0], signed.gradients[0]) {
        #expect(abs(x - y * abs(difference)) < 1e-9 * abs(x))
      }
    }
  }

  @Test("losses beyond the clip, and negative ones, count as the clip")
  func lossClip() throws {
    var setting = EstimationSetting(window: 5, horizon: Horizon(5))
    let whole = try estimates(FullEvolutionStrategies(sigma: 0.1), setting, windows: 1).estimates[0]
    let pair = try #require(whole.pair)
    // In the middle of the losses.
    let clip = Double((pair.plus + pair.minus).sorted()[5])
    setting.lossClip = clip
    let clipped = try estimates(FullEvolutionStrategies(sigma: 0.1), setting, windows: 1)
      .estimates[0]
    func mean(_ losses: [Float]) -> Double {
      losses.reduce(0) { $0 + min(max(Double($1), 0), clip) } / 5
    }
    #expect(abs(clipped.metaLoss - (mean(pair.plus) + mean(pair.minus)) / 2) < 1e-12)
    let share =
      (mean(pair.plus) - mean(pair.minus))
      / zip(pair.plus, pair.minus).reduce(0) { $0 + (Double($1.0) - Double($1.1)) / 5 }
    for (x, y) in zip(clipped.gradients[0], whole.gradients[0]) {
      #expect(abs(x - y * share) < 1e-9 * abs(y) + 1e-12)
    }
    #expect(clipped.losses == whole.losses)
  }

  @Test("frozen weights are not perturbed and have no gradient")
  func frozen() throws {
    var setting = EstimationSetting(window: 3, horizon: Horizon(9))
    let count = experiment.weights[0].elementCount
    setting.frozen = [(0..<count).map { $0.isMultiple(of: 3) }]
    for estimator in [
      PersistentEvolutionStrategies() as any MetaGradientEstimator, TruncatedEvolutionStrategies(),
      FullEvolutionStrategies(), PersistentEvolutionStrategies(reuse: .trajectory),
    ] {
      for estimate in try estimates(estimator, setting, windows: 3).estimates {
        for (index, value) in estimate.gradients[0].enumerated() {
          #expect((value == 0) == index.isMultiple(of: 3))
        }
      }
    }
  }

  @Test("particles, trajectories and windows have perturbations of their own")
  func draws() throws {
    let setting = EstimationSetting(window: 2, horizon: Horizon(4))
    let estimator = PersistentEvolutionStrategies(staggers: false)
    let unroller = experiment.makeUnroller()
    var seen: Set<[Float]> = []
    for particle in 0..<2 {
      var episode = estimator.start(key(instance: particle), in: setting, on: unroller)
      for _ in 0..<4 {
        _ = try estimator.estimate(
          &episode, weights: experiment.weights, in: setting, on: unroller)
        seen.insert(episode.perturbation[0].elements)
      }
    }
    #expect(seen.count == 8)
  }

  @Test("staggered particles end their first trajectories at different windows")
  func staggering() throws {
    let setting = EstimationSetting(window: 2, horizon: Horizon(10))
    for estimator in [
      PersistentEvolutionStrategies() as any MetaGradientEstimator, TruncatedEvolutionStrategies(),
      AnalyticPersistentEvolutionStrategies(),
    ] {
      let unroller = experiment.makeUnroller()
      let episodes = (0..<20).map { estimator.start(key(instance: $0), in: setting, on: unroller) }
      #expect(Set(episodes.map(\.length)) == [2, 4, 6, 8, 10])
      // Rules that look at progress are told how long a whole trajectory is.
      #expect(episodes.allSatisfy { $0.walkers.allSatisfy { $0.plannedSteps == 10 } })
      let later = estimator.start(key(epoch: 1, instance: 0), in: setting, on: unroller)
      #expect(later.length == 10)
    }
  }

  @Test("the mean walker of pes-analytic goes on as backpropagation's does")
  func analyticWalker() throws {
    let setting = EstimationSetting(window: 3, horizon: Horizon(6))
    let unroller = experiment.makeUnroller()
    let estimator = AnalyticPersistentEvolutionStrategies(sigma: 0.01)
    var episode = estimator.start(key(epoch: 1), in: setting, on: unroller)
    var optimizee = unroller.makeOptimizee(key(epoch: 1), plannedSteps: 6)
    for window in 0..<2 {
      let estimate = try estimator.estimate(
        &episode, weights: experiment.weights, in: setting, on: unroller)
      unroller.load(experiment.weights)
      // Three steps and a look at the loss behind them, on the pair's minibatch.
      let exact = try unroller.unroll(&optimizee, steps: 3, .second())
      optimizee.evaluations -= 1
      #expect(
        haveSameBits(episode.walkers[2].parameters.elements, optimizee.parameters.elements))
      #expect(episode.walkers.map(\.evaluations) == [3, 3, 3].map { $0 * (window + 1) })
      #expect(exact.losses.count == 4)
      #expect(estimate.losses.count == 3)
    }
  }

  @Test(
    "the first window's gradient of pes-analytic is the derivative of its mean meta-loss",
    arguments: MetaLoss.allCases)
  func analyticGradient(metaLoss: MetaLoss) throws {
    let setting = EstimationSetting(window: 4, horizon: Horizon(8), metaLoss: metaLoss)
    let unroller = experiment.makeUnroller()
    let estimator = AnalyticPersistentEvolutionStrategies()
    var episode = estimator.start(key(epoch: 1), in: setting, on: unroller)
    let estimate = try estimator.estimate(
      &episode, weights: experiment.weights, in: setting, on: unroller)
    // Which loss is the smallest may change over the step of a difference.
    let smallest = try #require(estimate.losses.firstIndex(of: estimate.losses.min() ?? 0))
    let flat = experiment.weights[0].flattened
    let norm = estimate.norm
    for seed in 0..<3 {
      let raw = Tensor.random(flat.shape, seed: 70 + seed)
      let direction = raw.affine(scale: Float(1 / raw.dot(raw).squareRoot()), offset: 0)
      let h: Float = 0.0625
      func at(_ factor: Float) throws -> Double {
        unroller.load([
          experiment.weights[0].unflattening(
            flat + direction.affine(scale: factor * h, offset: 0))
        ])
        var optimizee = unroller.makeOptimizee(key(epoch: 1))
        let losses = try (0..<4).map { _ in Double(try unroller.step(&optimizee)) }
        return metaLoss == .minimum
          ? losses[smallest] : metaLoss.contributions(losses).reduce(0, +)
      }
      let difference = (8 * (try at(1) - at(-1)) - (try at(2) - at(-2))) / (12 * Double(h))
      let exact = zip(estimate.gradients[0], direction.elements)
        .reduce(0) { $0 + $1.0 * Double($1.1) }
      // Rounding of losses near 1, 1e-7, over the step 0.06.
      #expect(abs(difference - exact) < 1e-5 + 1e-3 * norm)
    }
  }
}
