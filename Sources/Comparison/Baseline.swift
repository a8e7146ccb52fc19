public import LearnedOptimizers
internal import Tensors
public import Unrolling

/// A hand-designed optimizer that learned ones are compared with.
public struct Baseline: Sendable {
  /// The name on the command line, in tables and in figures.
  public let name: String
  private let make: @Sendable (Float) -> any LearnedOptimizer

  /// An optimizer that is made from its learning rate, with its standard constants.
  public init(
    _ name: String, make: @escaping @Sendable (_ learningRate: Float) -> any LearnedOptimizer
  ) {
    self.name = name
    self.make = make
  }

  /// The optimizer on all parameters of a problem.
  public func nets(learningRate: Float) -> TrainedNets {
    TrainedNets(
      nets: [NetAssignment(key: name, optimizer: make(learningRate))], weights: [NamedTensors()])
  }

  /// Adam, SGD, Momentum, NAG, RMSprop, and what came after Adam.
  public static let standard = [
    Baseline(Adam.name) { Adam(learningRate: $0) },
    Baseline("SGD") { Sgd(learningRate: $0) },
    Baseline(Momentum.name) { Momentum(learningRate: $0) },
    Baseline(NAG.name) { NAG(learningRate: $0) },
    Baseline(RMSprop.name) { RMSprop(learningRate: $0) },
    Baseline(AdamW.name) { AdamW(learningRate: $0) },
    Baseline(NAdamW.name) { NAdamW(learningRate: $0) },
    Baseline(RAdam.name) { RAdam(learningRate: $0) },
    Baseline(Lion.name) { Lion(learningRate: $0) },
    Baseline(Muon.name) { Muon(learningRate: $0) },
    Baseline(ScheduleFreeAdamW.name) { ScheduleFreeAdamW(learningRate: $0) },
  ]
}
