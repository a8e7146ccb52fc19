public import Experiments
internal import Layers
public import LearnedOptimizers
internal import Problems
public import Tensors

/// Which random numbers an optimizee is made of.
public enum InstancePhase: String, Codable, Sendable {
  /// Meta-training.
  case training
  /// Selecting the best optimizer while training.
  case validation
  /// Choosing the learning rates of optimizers that are not learned.
  case tuning
  /// Measuring the final figures.
  case test

  var problem: RandomStream.Purpose {
    switch self {
    case .training: .problem
    case .validation: .validationProblem
    case .tuning: .tuningProblem
    case .test: .testProblem
    }
  }

  var minibatch: RandomStream.Purpose {
    switch self {
    case .training: .minibatch
    case .validation: .validationMinibatch
    case .tuning: .tuningMinibatch
    case .test: .testMinibatch
    }
  }
}

/// Names one optimizee: everything random about it follows from these.
public struct InstanceKey: Hashable, Codable, Sendable {
  /// The seed of the run.
  public let seed: UInt64
  /// What the optimizee is used for.
  public let phase: InstancePhase
  /// The epoch.
  public let epoch: Int
  /// The position among the epoch's optimizees.
  public let instance: Int

  /// The name of an optimizee.
  public init(seed: UInt64, phase: InstancePhase, epoch: Int, instance: Int) {
    self.seed = seed
    self.phase = phase
    self.epoch = epoch
    self.instance = instance
  }

  /// The stream of the minibatch of the loss's `evaluation`-th evaluation since the reset.
  func minibatch(evaluation: Int) -> RandomStream {
    RandomStream(
      seed: seed, purpose: phase.minibatch, epoch: epoch, instance: instance, step: evaluation)
  }
}

/// One optimizee on its way: parameters, constants and the state of the nets that step it.
public struct OptimizeeInstance: Sendable {
  /// What its random numbers follow from.
  public let key: InstanceKey
  /// All parameters in the experiment's layout, [parameterCount].
  public var parameters: Tensor
  /// The problem's constants, in order.
  public var constants: [Tensor]
  /// For each net, its state.
  public var states: [OptimizerState]
  /// How often the loss was evaluated since the reset: the position in the minibatch stream.
  public var evaluations: Int
  /// Set once a loss or gradient was not finite; the instance then sits out the epoch.
  public var divergence: Divergence?

  /// An instance whose parts are known, as in a checkpoint.
  public init(
    key: InstanceKey, parameters: Tensor, constants: [Tensor], states: [OptimizerState],
    evaluations: Int, divergence: Divergence? = nil
  ) {
    self.key = key
    self.parameters = parameters
    self.constants = constants
    self.states = states
    self.evaluations = evaluations
    self.divergence = divergence
  }

  /// The instance at its start: parameters and constants drawn anew, nets' states zero.
  public init(key: InstanceKey, experiment: Experiment, engines: [any OptimizerEngine]) {
    var stream = RandomStream(
      seed: key.seed, purpose: key.phase.problem, epoch: key.epoch, instance: key.instance)
    let values = experiment.parameters.map {
      $0.specification.initializer($0.specification.shape, &stream)
    }
    let constants = experiment.problem.constants.map { $0.initializer($0.shape, &stream) }
    self.init(
      key: key, parameters: experiment.vector(of: values), constants: constants,
      states: experiment.initialStates(engines), evaluations: 0)
  }
}

extension Experiment {
  /// One vector in the experiment's layout, from a tensor a parameter in the problem's order.
  public func vector(of values: [Tensor]) -> Tensor {
    if values.count == 1 { return values[0].reshaped(to: Shape(vector: parameterCount)) }
    return Tensor(uninitialized: Shape(vector: parameterCount)) { target in
      for (parameter, value) in zip(parameters, values) {
        precondition(
          value.shape == parameter.specification.shape,
          "a value of shape \(value.shape) for \(parameter.specification.name)")
        value.withUnsafeFloats {
          (target + parameter.offset).update(from: $0, count: value.count)
        }
      }
    }
  }

  /// The part of a vector that belongs to one parameter, in its shape, without a copy.
  public func value(of parameter: Int, in vector: Tensor) -> Tensor {
    let parameter = parameters[parameter]
    return vector.view(from: parameter.offset, shape: parameter.specification.shape)
  }

  /// Zero states of all nets.
  func initialStates(_ engines: [any OptimizerEngine]) -> [OptimizerState] {
    engines.indices.map { net in
      engines[net].initialState(rows: ranges[net].count / nets[net].optimizer.rowWidth)
    }
  }

  /// The rows that a net reads of a vector: [rows, rowWidth].
  func rows(ofNet net: Int, in vector: Tensor) -> Tensor {
    let optimizer = nets[net].optimizer
    let range = ranges[net]
    if optimizer.rowsAreContiguous {
      let shape = Shape(
        rows: range.count / optimizer.rowWidth, columns: optimizer.rowWidth)
      return vector.view(from: range.lowerBound, shape: shape)
    }
    return .concatenated(
      steppedBy[net].map { optimizer.rows(from: value(of: $0, in: vector)) }, axis: 0)
  }

  /// Adds a net's rows to its part of a vector: the inverse of `rows(ofNet:in:)`.
  func add(_ rows: Tensor, ofNet net: Int, to vector: inout Tensor) {
    let optimizer = nets[net].optimizer
    func add(_ values: Tensor, at offset: Int) {
      vector.withUnsafeMutableFloats { target in
        values.withUnsafeFloats { source in
          for index in 0..<values.count { target[offset + index] += source[index] }
        }
      }
    }
    if optimizer.rowsAreContiguous { return add(rows, at: ranges[net].lowerBound) }
    var start = 0
    for position in steppedBy[net] {
      let parameter = parameters[position]
      let shape = parameter.specification.shape
      let count = shape.count / optimizer.rowWidth
      let values = optimizer.update(
        fromRows: rows.slice(axis: 0, from: start, count: count), shape: shape)
      add(values, at: parameter.offset)
      start += count
    }
  }
}

/// Where a loss, a gradient or a meta-gradient stopped being a finite number.
public struct Divergence: Error, Hashable, Codable, Sendable {
  /// What was not finite.
  public enum Quantity: Hashable, Codable, Sendable {
    /// The optimizee's loss.
    case loss
    /// The gradient of the loss in this parameter.
    case gradient(parameter: String)
    /// The meta-gradient of this net.
    case metaGradient(net: String)
  }

  /// The optimizee.
  public let key: InstanceKey
  /// The evaluation of the loss, counted from the reset.
  public let step: Int
  /// What was not finite.
  public let quantity: Quantity

  /// A divergence of which all is known.
  package init(key: InstanceKey, step: Int, quantity: Quantity) {
    self.key = key
    self.step = step
    self.quantity = quantity
  }
}
