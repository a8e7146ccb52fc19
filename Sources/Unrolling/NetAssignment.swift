public import LearnedOptimizers
public import Tensors

/// A net under its key, and the parameters it steps.
public struct NetAssignment: Sendable {
  /// The key: the name of the net's file, as `cw`.
  public let key: String
  /// The rule.
  public let optimizer: any LearnedOptimizer
  /// The parameters.
  public let parameters: ParameterSelection

  /// A net that steps the chosen parameters, or all.
  public init(
    key: String, optimizer: any LearnedOptimizer, parameters: ParameterSelection = .all
  ) {
    self.key = key
    self.optimizer = optimizer
    self.parameters = parameters
  }
}

/// Nets with their weights.
public struct TrainedNets: Sendable {
  /// The nets.
  public var nets: [NetAssignment]
  /// The weights of each.
  public var weights: [NamedTensors]

  /// Nets with one set of weights a net.
  public init(nets: [NetAssignment], weights: [NamedTensors]) {
    precondition(nets.count == weights.count, "\(weights.count) weights of \(nets.count) nets")
    self.nets = nets
    self.weights = weights
  }
}
