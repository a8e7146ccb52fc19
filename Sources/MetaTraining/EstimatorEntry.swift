public import MetaGradients

/// An estimator of meta-gradients that can be chosen by name.
///
///     catalog.estimators.append(
///       EstimatorEntry(OneSided.name, "one-sided evolution strategies") { OneSided(sigma: $0.sigma) })
public struct EstimatorEntry: Sendable {
  /// The name on the command line.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  private let build: @Sendable (TrainingOptions) -> any MetaGradientEstimator

  /// An estimator that `build` makes from a training's options.
  public init(
    _ name: String, _ summary: String,
    build: @escaping @Sendable (TrainingOptions) -> any MetaGradientEstimator
  ) {
    self.name = name
    self.summary = summary
    self.build = build
  }

  /// The estimator for a training, its meta-gradients shortened where the options ask for it.
  public func make(_ options: TrainingOptions) -> any MetaGradientEstimator {
    let estimator = build(options)
    return options.clipNorm.map { Clipped(estimator, norm: $0) } ?? estimator
  }

  /// The estimators that come with the package.
  public static let standard: [EstimatorEntry] = [
    EstimatorEntry(
      TruncatedBackpropagation.name, "truncated backpropagation, to the first or second order"
    ) {
      let backpropagation = TruncatedBackpropagation(
        order: $0.secondDerivatives
          ? .second(limit: $0.adjointLimit, smoothing: $0.adjointSmoothing) : .first)
      return $0.imitation > 0
        ? Imitation(backpropagation, probability: $0.imitation) : backpropagation
    },
    EstimatorEntry(TruncatedEvolutionStrategies.name, "evolution strategies on windows; biased") {
      TruncatedEvolutionStrategies(sigma: $0.sigma)
    },
    EstimatorEntry(
      PersistentEvolutionStrategies.name,
      "persistent evolution strategies: a new perturbation a window"
    ) { PersistentEvolutionStrategies(sigma: $0.sigma) },
    EstimatorEntry("nres", "persistent evolution strategies: one perturbation a trajectory") {
      PersistentEvolutionStrategies(
        sigma: $0.sigma, reuse: $0.perturbationSteps.map { .steps($0) } ?? .trajectory)
    },
    EstimatorEntry(
      FullEvolutionStrategies.name, "evolution strategies on whole trajectories, one a meta-step"
    ) { FullEvolutionStrategies(sigma: $0.sigma, usesSign: $0.usesSign) },
    EstimatorEntry(
      AnalyticPersistentEvolutionStrategies.name,
      "backpropagation through the window, pes for what lies before it"
    ) {
      AnalyticPersistentEvolutionStrategies(
        sigma: $0.sigma, order: .second(limit: $0.adjointLimit, smoothing: $0.adjointSmoothing))
    },
  ]
}

extension Collection<EstimatorEntry> {
  /// The estimator that a training's options name; nil when there is none of the name.
  public func estimator(for options: TrainingOptions) -> (any MetaGradientEstimator)? {
    first { $0.name == options.estimator }?.make(options)
  }
}
