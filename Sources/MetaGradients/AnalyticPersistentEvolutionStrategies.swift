internal import Problems
public import Tensors
public import Unrolling

/// PES with the window's own part by backpropagation (Vicol et al., 2021, section 5 "PES+Analytic").
///
/// A third walker goes under the mean weights; a = dL/dw of its window by truncated backpropagation.
/// The perturbations of earlier windows, xi before this window's epsilon is added, then need only tell
/// what lies behind the window: the estimate is a + xi (L+ - L- - 2 epsilon a) / (2 sigma^2), where
/// epsilon a is taken off the difference to the first order, which leaves the mean and lowers the
/// variance.
///
/// Trajectories that end inside of a window end there: the window is then shorter.
public struct AnalyticPersistentEvolutionStrategies: MetaGradientEstimator {
  /// `pes-analytic`.
  public static let name = "pes-analytic"
  /// The standard deviation of perturbations.
  public let sigma: Float
  /// How the window is differentiated.
  public let backpropagation: TruncatedBackpropagation

  /// PES with backpropagation to an order of derivatives: the second is exact for a window.
  public init(
    sigma: Float = 0.01, order: TruncatedBackpropagation.Order = .second()
  ) {
    precondition(sigma > 0, "a deviation of \(sigma)")
    self.sigma = sigma
    backpropagation = TruncatedBackpropagation(order: order)
  }

  /// Three walkers at one start.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    var episode = Episode.antithetic(key, in: setting, on: unroller, staggers: true)
    episode.walkers.append(episode.walkers[0])
    return episode
  }

  /// One window.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    if episode.position >= episode.length { episode = episode.next(in: setting, on: unroller) }
    var setting = setting
    setting.window = min(setting.window, episode.length - episode.position)
    let before = episode.draws == 0 ? nil : Optional(episode.perturbationSum)
    episode.draw(sigma: sigma, setting, like: weights)

    // The window's losses are f_0 ... f_{W-1}; backpropagation evaluates f_W too, whose weight is 0.
    unroller.load(weights)
    let problem = episode.walkers[2].problem
    let family = unroller.experiment.task(of: episode.key).family
    var mean = try backpropagation.unrolled(
      &episode.walkers[2], steps: setting.window,
      lossWeights: { losses in
        setting.lossWeights(losses) { family.normalized($0, of: problem) }
      }, on: unroller)
    // The position in the minibatch stream is the pair's.
    episode.walkers[2].evaluations -= 1

    var window = AntitheticWindow(setting, unroller, weights)
    try window.walk(&episode) { _ in }
    let pair = window.estimate(sigma: sigma)
    if let before {
      let difference = window.differences.reduce(0) { $0 + $1.value }
      var along = 0.0
      for (perturbation, gradient) in zip(episode.perturbation, mean.gradients) {
        perturbation.withUnsafeFloats { perturbation in
          for index in gradient.indices { along += Double(perturbation[index]) * gradient[index] }
        }
      }
      let factor = (difference - 2 * along) / (2 * Double(sigma) * Double(sigma))
      for net in mean.gradients.indices {
        before[net].withUnsafeFloats { before in
          for index in mean.gradients[net].indices {
            mean.gradients[net][index] += Double(before[index]) * factor
          }
        }
      }
    }
    var result = MetaGradient(
      losses: pair.losses, gradients: mean.gradients, metaLoss: pair.metaLoss)
    result.finalLosses = pair.finalLosses
    result.pair = pair.pair
    return result
  }
}

extension EstimationSetting {
  /// The derivatives of a window's mean, normalized and clipped loss by its losses; 0 for the one
  /// behind its last step.
  func lossWeights(_ losses: [Float], normalize: (Double) -> Double) -> [Float] {
    func value(_ losses: [Double]) -> [Double] {
      metaLoss.contributions(
        losses.map { loss in
          let clipped = lossClip.map { min(max(loss, 0), $0) } ?? loss
          return metaLoss.normalizes ? normalize(clipped) : clipped
        })
    }
    let window = losses.dropLast().map { Double($0) }
    // Contributions are functions of one loss each but for which is the smallest, and piecewise
    // smooth: a central difference in double precision is exact to 1e-9.
    let step = 1e-5
    let above = value(window.map { $0 + step * max(abs($0), 1) })
    let below = value(window.map { $0 - step * max(abs($0), 1) })
    return window.indices.map {
      Float((above[$0] - below[$0]) / (2 * step * max(abs(window[$0]), 1)))
    } + [0]
  }
}
