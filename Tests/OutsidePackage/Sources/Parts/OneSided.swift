import LearningToLearn

/// One-sided evolution strategies on windows: what a perturbation costs beside the weights themselves.
///
/// Two walkers leave the window's start, one under weights + epsilon, one under the weights; the estimate
/// is epsilon (L+ - L) / sigma^2, and the second one goes on. Needs no derivatives through the unroll.
package struct OneSided: MetaGradientEstimator {
  package static let name = "one-sided"
  let sigma: Float

  package init(sigma: Float) { self.sigma = sigma }

  package func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    let optimizee = setting.optimizee(key, on: unroller)
    return Episode(walkers: [optimizee], length: optimizee.plannedSteps ?? setting.window)
  }

  package func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    var key = episode.key
    if episode.position >= episode.length {
      key = OptimizeeKey(
        seed: key.seed, phase: key.phase, epoch: key.epoch + 1, instance: key.instance)
      episode = start(key, in: setting, on: unroller)
    }
    let steps = min(setting.window, episode.length - episode.position)
    var stream = RandomStream(
      seed: key.seed, purpose: .perturbation, epoch: key.epoch, instance: key.instance,
      step: episode.draws)
    let noise = weights.map {
      stream.normal(Shape(vector: $0.elementCount), standardDeviation: sigma)
    }
    var beside = episode.walkers[0]
    unroller.load(zip(weights, noise).map { $0.unflattening($0.flattened + $1) })
    let perturbed = try unroller.walk(&beside, steps: steps)
    unroller.load(weights)
    let losses = try unroller.walk(&episode.walkers[0], steps: steps)
    episode.position += steps
    episode.draws += 1
    let loss = setting.metaLoss.value(losses)
    let factor = (setting.metaLoss.value(perturbed) - loss) / Double(sigma * sigma)
    var result = MetaGradient(
      losses: losses, gradients: noise.map { $0.elements.map { Double($0) * factor } },
      metaLoss: loss)
    if episode.position >= episode.length { result.finalLosses = [result.finalLoss] }
    return result
  }
}

extension EstimatorEntry {
  package static let oneSided = EstimatorEntry(
    OneSided.name, "evolution strategies that perturb to one side"
  ) { OneSided(sigma: $0.sigma) }
}
