public import LearnedOptimizers
internal import Tensors
package import Unrolling

/// A hand-designed optimizer that learned ones are compared with.
public struct Baseline: Sendable {
  /// The name on the command line, in tables and in figures.
  public let name: String
  /// What a search may choose.
  public let dimensions: Hyperparameters.Dimensions
  private let make: @Sendable (Hyperparameters) -> any LearnedOptimizer

  /// An optimizer that is made from its learning rate, with its standard constants, and whose updates
  /// are proportional to it, so that any schedule goes with it.
  public init(
    _ name: String, make: @escaping @Sendable (_ learningRate: Float) -> any LearnedOptimizer
  ) {
    self.init(name, dimensions: [.rate, .schedule]) { make($0.rate) }
  }

  /// An optimizer that is made from more than its learning rate.
  ///
  /// - Parameters:
  ///   - dimensions: what a search may choose.
  ///   - make: the rule; schedules are put around it.
  public init(
    _ name: String, dimensions: Hyperparameters.Dimensions,
    make: @escaping @Sendable (Hyperparameters) -> any LearnedOptimizer
  ) {
    self.name = name
    self.dimensions = dimensions
    self.make = make
  }

  /// The optimizer on all parameters of a problem.
  package func nets(learningRate: Float) -> TrainedNets {
    nets(Hyperparameters(rate: learningRate))
  }

  /// The optimizer with these hyperparameters on all parameters of a problem.
  package func nets(_ hyperparameters: Hyperparameters) -> TrainedNets {
    let rule = make(hyperparameters).scheduled(hyperparameters.schedule)
    return TrainedNets(
      nets: [NetAssignment(key: name, optimizer: rule)], weights: [NamedTensors()])
  }

  private static let decoupled: Hyperparameters.Dimensions = [
    .rate, .momentum, .weightDecay, .schedule,
  ]
  private static let withMomentum: Hyperparameters.Dimensions = [.rate, .momentum, .schedule]

  /// Adam, SGD, Momentum, NAG, RMSprop, and what came after Adam.
  public static let standard = [
    Baseline(Adam.name, dimensions: withMomentum) {
      Adam(learningRate: $0.rate, beta1: $0.momentum ?? 0.9)
    },
    Baseline("SGD") { Sgd(learningRate: $0) },
    Baseline(Momentum.name, dimensions: withMomentum) {
      Momentum(learningRate: $0.rate, momentum: Float($0.momentum ?? 0.9))
    },
    Baseline(NAG.name, dimensions: withMomentum) {
      NAG(learningRate: $0.rate, momentum: Float($0.momentum ?? 0.9))
    },
    Baseline(RMSprop.name) { RMSprop(learningRate: $0) },
    Baseline(AdamW.name, dimensions: decoupled) {
      AdamW(
        learningRate: $0.rate, beta1: $0.momentum ?? 0.9, weightDecay: $0.weightDecay ?? 1e-4)
    },
    Baseline(NAdamW.name, dimensions: decoupled) {
      NAdamW(
        learningRate: $0.rate, beta1: $0.momentum ?? 0.9, weightDecay: $0.weightDecay ?? 1e-4)
    },
    Baseline(RAdam.name, dimensions: withMomentum) {
      RAdam(learningRate: $0.rate, beta1: $0.momentum ?? 0.9)
    },
    Baseline(Lion.name, dimensions: decoupled) {
      Lion(learningRate: $0.rate, beta1: $0.momentum ?? 0.9, weightDecay: $0.weightDecay ?? 1e-3)
    },
    Baseline(Muon.name, dimensions: decoupled) {
      Muon(
        learningRate: $0.rate, momentum: $0.momentum ?? 0.95, weightDecay: $0.weightDecay ?? 0)
    },
    // Its learning rate stays: that is what it is for.
    Baseline(ScheduleFreeAdamW.name, dimensions: [.rate, .momentum, .weightDecay]) {
      ScheduleFreeAdamW(
        learningRate: $0.rate, beta1: $0.momentum ?? 0.9, weightDecay: $0.weightDecay ?? 0)
    },
  ]
}
