public import Tensors
public import Unrolling

/// How the derivative of the meta-loss by the nets' weights is found from unrolls.
///
/// An estimator is a description; what goes on from unroll to unroll is an `Episode`. A new one is one
/// file: say how an episode starts, and what one window of it tells.
///
/// Plain evolution strategies on whole epochs, as an example:
///
///     struct OneSided: MetaGradientEstimator {
///       static let name = "one-sided"
///       func start(_ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller)
///         -> Episode
///       { Episode(walkers: [setting.optimizee(key, on: unroller)], in: setting) }
///       func estimate(
///         _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
///         on unroller: Unroller
///       ) throws(Divergence) -> MetaGradient { … }
///     }
public protocol MetaGradientEstimator: Sendable {
  /// The name on the command line.
  static var name: String { get }

  /// Whether all episodes start and end together, so that training counts epochs; else each particle
  /// has a time of its own and training counts meta-steps.
  var isInStep: Bool { get }

  /// The start of a trajectory.
  func start(_ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller) -> Episode

  /// Walks one window and estimates the meta-gradient from it.
  ///
  /// Episodes that are not in step go on to their next trajectory where one ends inside of the window.
  ///
  /// - Parameters:
  ///   - weights: the nets' weights, one set a net. The unroller's are undefined before and after.
  /// - Throws: `Divergence`; the episode is then useless and starts anew.
  func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient
}

extension MetaGradientEstimator {
  /// Every particle has its own time.
  public var isInStep: Bool { false }
}

/// What all estimators are told: windows, trajectories, and what is minimized.
public struct EstimationSetting: Sendable {
  /// Steps of a window.
  public var window: Int
  /// How long trajectories are.
  public var horizon: Horizon
  /// What is minimized.
  public var metaLoss: MetaLoss
  /// The largest loss that counts; larger ones and negative ones are cut off; nil for no limit.
  public var lossClip: Double?
  /// How many meta-steps were taken, for horizons that grow.
  public var metaStep = 0
  /// Which weights of each net stay as they are; nil for none.
  public var frozen: [[Bool]]?

  /// Windows of so many steps of trajectories as long as `horizon` says.
  public init(
    window: Int, horizon: Horizon, metaLoss: MetaLoss = .sum, lossClip: Double? = nil
  ) {
    self.window = window
    self.horizon = horizon
    self.metaLoss = metaLoss
    self.lossClip = lossClip
  }

  /// The optimizee of a key at its start.
  public func optimizee(_ key: OptimizeeKey, on unroller: Unroller) -> Optimizee {
    unroller.makeOptimizee(key, plannedSteps: horizon.length(of: key, metaStep: metaStep))
  }
}

/// What goes on from unroll to unroll: the optimizees that walk together and sums along the way.
public struct Episode: Sendable {
  /// What the random numbers of the present trajectory follow from.
  public var key: OptimizeeKey { walkers[0].key }
  /// The optimizees that walk together: one; two for antithetic pairs; a third under the mean weights.
  public var walkers: [Optimizee]
  /// One vector a net, flattened weights' layout: the perturbation in use; empty without one.
  public var perturbation: [Tensor] = []
  /// One vector a net: the sum of the trajectory's perturbations; empty without any.
  public var perturbationSum: [Tensor] = []
  /// Steps taken since the perturbation in use was drawn.
  public var perturbationAge = 0
  /// Steps taken in the present trajectory.
  public var position = 0
  /// Steps of the present trajectory.
  public var length: Int
  /// Perturbations drawn in the present trajectory.
  public var draws = 0
  /// Set once something was not finite: the episode sits out until it starts anew.
  public var divergence: Divergence?

  /// An episode at the start of a trajectory.
  ///
  /// - Precondition: one walker at least.
  public init(walkers: [Optimizee], length: Int) {
    precondition(!walkers.isEmpty, "an episode without walkers")
    self.walkers = walkers
    self.length = length
  }
}

/// What one window of one episode tells.
public struct MetaGradient: Sendable {
  /// The losses along the window; the mean over an antithetic pair.
  public var losses: [Float]
  /// For each net, d meta-loss / d weights, one number an element in the weights' order.
  public var gradients: [[Double]]
  /// The meta-loss.
  public var metaLoss: Double
  /// The Euclidean norm of all nets' gradients together, before any shortening.
  public var norm: Double
  /// The last losses of the trajectories that ended in the window.
  public var finalLosses: [Double] = []
  /// The two walkers' losses, where there are two: what evolution strategies compare.
  public var pair: (plus: [Float], minus: [Float])?

  /// A meta-gradient.
  public init(losses: [Float], gradients: [[Double]], metaLoss: Double) {
    self.losses = losses
    self.gradients = gradients
    self.metaLoss = metaLoss
    norm = gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// The last loss.
  public var finalLoss: Double { Double(losses[losses.count - 1]) }

  /// Whether every number is finite.
  public var isFinite: Bool {
    metaLoss.isFinite && gradients.allSatisfy { $0.allSatisfy(\.isFinite) }
  }

  /// Whether weights can be stepped by it: finite, and of numbers whose squares, which meta-optimizers
  /// keep, are finite in single precision.
  package var isUsable: Bool {
    metaLoss.isFinite && gradients.allSatisfy { $0.allSatisfy { abs($0) < 1e18 } }
  }
}

/// Any estimator with meta-gradients of a norm at most.
///
/// Longer ones are shortened (Pascanu et al., "On the difficulty of training recurrent neural
/// networks", 2013, section 3.2), before the average over optimizees: else one whose unroll is chaotic,
/// with a meta-gradient a thousand times longer, would silence all others.
public struct Clipped: MetaGradientEstimator {
  /// `clipped`.
  public static let name = "clipped"
  /// What is shortened.
  public let base: any MetaGradientEstimator
  /// The largest norm, all nets together.
  public let norm: Double

  /// Another estimator with a limit.
  public init(_ base: any MetaGradientEstimator, norm: Double) {
    self.base = base
    self.norm = norm
  }

  /// As the base.
  public var isInStep: Bool { base.isInStep }

  /// As the base.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    base.start(key, in: setting, on: unroller)
  }

  /// The base's estimate, shortened; `norm` stays what it was.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    var estimate = try base.estimate(&episode, weights: weights, in: setting, on: unroller)
    let found = estimate.norm
    guard found > norm else { return estimate }
    estimate.gradients = estimate.gradients.map { $0.map { $0 * (norm / found) } }
    return estimate
  }
}
