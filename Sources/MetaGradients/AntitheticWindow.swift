internal import LearnedOptimizers
internal import Problems
internal import Tensors
internal import Unrolling

/// One window of an antithetic pair: both walkers' losses, segment by segment, and what they tell.
struct AntitheticWindow {
  /// The part of a window that lies in one trajectory.
  private struct Segment {
    let weighing: [Tensor]
    var plus: [Float]
    var minus: [Float]
    let normalize: (Double) -> Double
  }

  private let setting: EstimationSetting
  private let unroller: Unroller
  private let weights: [NamedTensors]
  private var segments: [Segment] = []
  private var finalLosses: [Double] = []

  init(_ setting: EstimationSetting, _ unroller: Unroller, _ weights: [NamedTensors]) {
    self.setting = setting
    self.unroller = unroller
    self.weights = weights
  }

  /// Walks both walkers through the window, on into the next trajectory where one ends.
  ///
  /// - Parameter onReset: what becomes of perturbations at the start of a new trajectory.
  mutating func walk(
    _ episode: inout Episode, onReset: (inout Episode) -> Void
  ) throws(Divergence) {
    var left = setting.window
    while left > 0 {
      if episode.position >= episode.length {
        episode = episode.next(in: setting, on: unroller)
        onReset(&episode)
      }
      let steps = min(left, episode.length - episode.position)
      let optimizee = episode.walkers[0]
      let family = unroller.experiment.task(of: optimizee.key).family
      let problem = optimizee.problem
      var losses: [[Float]] = []
      for (walker, sign) in [(0, Float(1)), (1, -1)] {
        unroller.load(perturbed(episode.perturbation, sign))
        var run: [Float] = []
        run.reserveCapacity(steps)
        for _ in 0..<steps { run.append(try unroller.step(&episode.walkers[walker])) }
        losses.append(run)
      }
      segments.append(
        Segment(
          weighing: episode.perturbationSum, plus: losses[0], minus: losses[1],
          normalize: { family.normalized($0, of: problem) }))
      episode.position += steps
      episode.perturbationAge += steps
      left -= steps
      if episode.position >= episode.length {
        finalLosses.append((Double(losses[0][steps - 1]) + Double(losses[1][steps - 1])) / 2)
      }
    }
  }

  private func perturbed(_ perturbation: [Tensor], _ sign: Float) -> [NamedTensors] {
    zip(weights, perturbation).map { weights, perturbation in
      weights.unflattening(
        weights.flattened + perturbation.affine(scale: sign, offset: 0))
    }
  }

  private func value(_ loss: Float, of segment: Segment) -> Double {
    let loss = Double(loss)
    let clipped = setting.lossClip.map { min(max(loss, 0), $0) } ?? loss
    return setting.metaLoss.normalizes ? segment.normalize(clipped) : clipped
  }

  /// What the window's losses add to its two meta-losses, segment by segment.
  private func contributions() -> [(plus: Double, minus: Double)] {
    let plus = setting.metaLoss.contributions(
      segments.flatMap { segment in segment.plus.map { value($0, of: segment) } })
    let minus = setting.metaLoss.contributions(
      segments.flatMap { segment in segment.minus.map { value($0, of: segment) } })
    var start = 0
    return segments.map { segment in
      let range = start..<start + segment.plus.count
      start = range.upperBound
      return (plus[range].reduce(0, +), minus[range].reduce(0, +))
    }
  }

  /// The differences L+ - L- of the segments with what they are weighed by.
  var differences: [(weighing: [Tensor], value: Double)] {
    zip(segments, contributions()).map { ($0.weighing, $1.plus - $1.minus) }
  }

  /// The estimate: over the segments, the sum of weighing (L+ - L-) / (2 sigma^2).
  func estimate(sigma: Float, usesSign: Bool = false) -> MetaGradient {
    var gradients = weights.map { [Double](repeating: 0, count: $0.elementCount) }
    var metaLoss = 0.0
    for (segment, contribution) in zip(segments, contributions()) {
      metaLoss += (contribution.plus + contribution.minus) / 2
      let difference = contribution.plus - contribution.minus
      let size = usesSign ? (difference > 0 ? 1 : difference < 0 ? -1 : 0) : difference
      let factor = size / (2 * Double(sigma) * Double(sigma))
      for (net, weighing) in segment.weighing.enumerated() {
        weighing.withUnsafeFloats { weighing in
          for index in gradients[net].indices {
            gradients[net][index] += Double(weighing[index]) * factor
          }
        }
      }
    }
    let plus = segments.flatMap(\.plus)
    let minus = segments.flatMap(\.minus)
    var result = MetaGradient(
      losses: zip(plus, minus).map { ($0 + $1) / 2 }, gradients: gradients, metaLoss: metaLoss)
    result.finalLosses = finalLosses
    result.pair = (plus, minus)
    return result
  }
}

extension Episode {
  /// An antithetic pair at the start of a trajectory.
  ///
  /// - Parameter staggers: whether a particle's first trajectory is cut short by chance, so that not
  ///   all particles reset together.
  static func antithetic(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller, staggers: Bool
  ) -> Episode {
    let optimizee = setting.optimizee(key, on: unroller)
    let length = optimizee.plannedSteps ?? setting.window
    return Episode(
      walkers: [optimizee, optimizee],
      length: staggers && key.epoch == 0
        ? setting.horizon.firstLength(of: key, length: length, window: setting.window) : length)
  }

  /// The same particle at the start of its next trajectory, with the perturbation that it has.
  func next(in setting: EstimationSetting, on unroller: Unroller) -> Episode {
    let key = OptimizeeKey(
      seed: key.seed, phase: key.phase, epoch: key.epoch + 1, instance: key.instance)
    let optimizee = setting.optimizee(key, on: unroller)
    var next = Episode(
      walkers: walkers.map { _ in optimizee }, length: optimizee.plannedSteps ?? setting.window)
    next.perturbation = perturbation
    next.perturbationAge = perturbationAge
    return next
  }

  /// Draws a new perturbation and adds it to the sum.
  mutating func draw(sigma: Float, _ setting: EstimationSetting, like weights: [NamedTensors]) {
    var stream = RandomStream(
      seed: key.seed, purpose: .perturbation, epoch: key.epoch, instance: key.instance, step: draws)
    perturbation = weights.enumerated().map { net, weights in
      var drawn = stream.normal(Shape(vector: weights.elementCount), standardDeviation: sigma)
      if let frozen = setting.frozen?[net] {
        drawn.withUnsafeMutableFloats { drawn in
          for index in frozen.indices where frozen[index] { drawn[index] = 0 }
        }
      }
      return drawn
    }
    perturbationSum =
      draws == 0 ? perturbation : zip(perturbationSum, perturbation).map { $0 + $1 }
    perturbationAge = 0
    draws += 1
  }
}
