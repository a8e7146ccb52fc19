public import Tensors
public import Unrolling

/// Antithetic evolution strategies that persist: PES, NRES and what lies between.
///
/// Two walkers, under weights + epsilon and weights - epsilon with the same minibatches, take a window
/// of W steps; epsilon ~ N(0, sigma^2 I). With xi the sum of the trajectory's perturbations, the
/// estimate is xi (L+ - L-) / (2 sigma^2). Of a trajectory that ends inside of the window the losses
/// before its end are weighed by its xi, those after the reset by the new trajectory's.
///
/// - A new epsilon a window is PES (Vicol, Metz, Sohl-Dickstein, "Unbiased gradient estimation in
///   unrolled computation graphs with persistent evolution strategies", 2021).
/// - One epsilon a trajectory is NRES (Li et al., "Variance-reduced gradient estimation via
///   noise-reuse in online evolution strategies", 2023), which has GPES_K between: one for K steps.
///
/// Memory does not depend on the trajectory's length.
public struct PersistentEvolutionStrategies: MetaGradientEstimator {
  /// For how long a perturbation stays.
  public enum Reuse: Equatable, Sendable {
    /// For a window: PES.
    case window
    /// For so many steps, a multiple of the window: GPES_K.
    case steps(Int)
    /// For a trajectory: NRES.
    case trajectory
  }

  /// `pes`; with other reuse `nres`.
  public static let name = "pes"
  /// The standard deviation of perturbations.
  public let sigma: Float
  /// For how long one stays.
  public let reuse: Reuse
  /// Whether particles start at different places of their first trajectories.
  public let staggers: Bool

  /// PES, or by `reuse` another of its kind.
  public init(sigma: Float = 0.01, reuse: Reuse = .window, staggers: Bool = true) {
    precondition(sigma > 0, "a deviation of \(sigma)")
    self.sigma = sigma
    self.reuse = reuse
    self.staggers = staggers
  }

  /// Two walkers at one start.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    .antithetic(key, in: setting, on: unroller, staggers: staggers)
  }

  /// One window.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    let keep =
      switch reuse {
      case .window: setting.window
      case .steps(let count): count
      case .trajectory: Int.max
      }
    var window = AntitheticWindow(setting, unroller, weights)
    if episode.position >= episode.length { episode = episode.next(in: setting, on: unroller) }
    if episode.draws == 0 || episode.perturbationAge >= keep {
      episode.draw(sigma: sigma, setting, like: weights)
    }
    try window.walk(&episode) { episode in
      // PES keeps the window's perturbation over a reset; the others draw a new one.
      if reuse == .window {
        episode.perturbationSum = episode.perturbation
        episode.draws = 1
      } else {
        episode.draw(sigma: sigma, setting, like: weights)
      }
    }
    return window.estimate(sigma: sigma)
  }
}

/// Truncated evolution strategies: both walkers start each window from one state, so what a weight
/// does beyond its window is not seen (biased; Metz et al., "Understanding and correcting pathologies
/// in the training of learned optimizers", 2019).
///
/// The walker under weights + epsilon is carried on. To walk a third one under the mean weights would
/// cost half as much again.
public struct TruncatedEvolutionStrategies: MetaGradientEstimator {
  /// `es`.
  public static let name = "es"
  /// The standard deviation of perturbations.
  public let sigma: Float

  /// Evolution strategies on windows.
  public init(sigma: Float = 0.01) {
    precondition(sigma > 0, "a deviation of \(sigma)")
    self.sigma = sigma
  }

  /// One walker; its mirror is made for each window.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    var episode = Episode.antithetic(key, in: setting, on: unroller, staggers: true)
    episode.walkers.removeLast()
    return episode
  }

  /// One window.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    var window = AntitheticWindow(setting, unroller, weights)
    episode.draw(sigma: sigma, setting, like: weights)
    episode.perturbationSum = episode.perturbation
    episode.walkers.append(episode.walkers[0])
    try window.walk(&episode) { $0.perturbationSum = $0.perturbation }
    episode.walkers.removeLast()
    return window.estimate(sigma: sigma)
  }
}

/// Evolution strategies on whole trajectories: one perturbation and one meta-step a trajectory.
///
/// With `usesSign` only the sign of L+ - L- counts, which makes the estimate robust to the scales of
/// losses.
public struct FullEvolutionStrategies: MetaGradientEstimator {
  /// `full-es`.
  public static let name = "full-es"
  /// The standard deviation of perturbations.
  public let sigma: Float
  /// Whether only the sign of the difference counts.
  public let usesSign: Bool

  /// Evolution strategies on trajectories.
  public init(sigma: Float = 0.01, usesSign: Bool = false) {
    precondition(sigma > 0, "a deviation of \(sigma)")
    self.sigma = sigma
    self.usesSign = usesSign
  }

  /// Two walkers at one start.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    .antithetic(key, in: setting, on: unroller, staggers: false)
  }

  /// One trajectory, whatever the window is; the episode stands at the start of the next one then.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    if episode.position > 0 { episode = episode.next(in: setting, on: unroller) }
    var setting = setting
    setting.window = episode.length
    var window = AntitheticWindow(setting, unroller, weights)
    episode.draw(sigma: sigma, setting, like: weights)
    try window.walk(&episode) { _ in }
    return window.estimate(sigma: sigma, usesSign: usesSign)
  }
}
