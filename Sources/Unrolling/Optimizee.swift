internal import Layers
public import LearnedOptimizers
public import Problems
public import Tensors

/// One optimizee on its way: parameters, constants and the state of the nets that step it.
public struct Optimizee: Sendable {
  /// What its random numbers follow from.
  public let key: OptimizeeKey
  /// What is minimized.
  public let problem: any Problem
  /// The problem, if it finds gradients without a tape: looked up once.
  let directProblem: (any DirectGradient)?
  /// Where its parameters lie.
  public let layout: ParameterLayout
  /// All parameters, [layout.count].
  public var parameters: Tensor
  /// The problem's constants, in order.
  public var constants: [Tensor]
  /// For each net, its state.
  public var states: [OptimizerState]
  /// How often the loss was evaluated since the reset: the position in the minibatch stream.
  public var evaluations: Int
  /// How many steps rules that look at progress are told; nil when it is not known.
  public var plannedSteps: Int?
  /// Set once a loss or gradient was not finite; the optimizee then sits out the epoch.
  public var divergence: Divergence?

  /// An optimizee whose parts are known, as in a checkpoint.
  public init(
    key: OptimizeeKey, problem: any Problem, layout: ParameterLayout, parameters: Tensor,
    constants: [Tensor], states: [OptimizerState], evaluations: Int, plannedSteps: Int? = nil,
    divergence: Divergence? = nil
  ) {
    self.key = key
    self.problem = problem
    directProblem = problem.withDirectGradient
    self.layout = layout
    self.parameters = parameters
    self.constants = constants
    self.states = states
    self.evaluations = evaluations
    self.plannedSteps = plannedSteps
    self.divergence = divergence
  }

  /// The optimizee at its start: problem, parameters and constants drawn anew, nets' states initial.
  public init(
    key: OptimizeeKey, experiment: Experiment, engines: [any OptimizerEngine],
    plannedSteps: Int? = nil
  ) {
    var stream = key.problemStream
    let problem = experiment.task(of: key).family.member(&stream)
    let layout = experiment.layout(of: problem)
    let values = layout.parameters.map {
      $0.specification.initializer($0.specification.shape, &stream)
    }
    let constants = problem.constants.map { $0.initializer($0.shape, &stream) }
    self.init(
      key: key, problem: problem, layout: layout, parameters: layout.vector(of: values),
      constants: constants,
      states: engines.indices.map { engines[$0].initialState(of: layout.shapes[$0]) },
      evaluations: 0, plannedSteps: plannedSteps)
  }
}
