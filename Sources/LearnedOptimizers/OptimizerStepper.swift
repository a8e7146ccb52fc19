public import Safetensors
public import Tensors

/// Steps the parameters of a program of yours with a learned optimizer.
///
///     let trained = try TrainedOptimizer(contentsOf: "mnist/cw.safetensors")
///     let stepper = try OptimizerStepper(trained, shapes: [[784, 20], [20]])
///     for _ in 0..<100 {
///       try stepper.step(&parameters, gradient: gradient(at: parameters))
///     }
///
/// Not thread-safe; use one stepper a thread. A class, because the kernels' scratch memory is its
/// own and must not be shared by copies.
public final class OptimizerStepper {
  /// The shapes of the tensors that are stepped, which lie one after the other in a vector.
  public let shapes: [Shape]
  /// The number of parameters.
  public let parameterCount: Int
  /// How many steps there will be, for rules that look at progress; nil when that is not known.
  public var plannedSteps: Int?
  /// How many steps were taken since the start or the last `reset`.
  public var stepCount: Int { state.step }
  private let rule: any LearnedOptimizer
  private let engine: any OptimizerEngine
  private var state: OptimizerState

  /// A stepper for tensors of these shapes, all at the start of their optimization.
  ///
  /// - Throws: `OptimizerError.unfitShape` for a tensor that the rule can't step.
  public init(
    _ optimizer: TrainedOptimizer, shapes: [Shape], plannedSteps: Int? = nil
  ) throws(OptimizerError) {
    rule = optimizer.rule
    for shape in shapes {
      if let expected = rule.requirement(unmetBy: shape) {
        throw .unfitShape(net: type(of: rule).name, shape: shape, expected: expected)
      }
    }
    self.shapes = shapes
    self.plannedSteps = plannedSteps
    parameterCount = shapes.reduce(0) { $0 + $1.count }
    engine = rule.makeEngine()
    engine.load(optimizer.weights)
    state = engine.initialState(of: shapes)
  }

  /// A stepper for one vector of parameters.
  public convenience init(
    _ optimizer: TrainedOptimizer, parameterCount: Int
  ) throws(OptimizerError) {
    try self.init(optimizer, shapes: [Shape(vector: parameterCount)])
  }

  /// Forgets all steps: the next one is the first of a new optimization.
  public func reset() { state = engine.initialState(of: shapes) }

  /// Adds one update to the parameters.
  ///
  /// Nothing changes when an error is thrown.
  ///
  /// - Parameters:
  ///   - parameters: the point, tensor after tensor, changed in place.
  ///   - gradient: the gradient of the loss there.
  ///   - loss: the loss there; needed by rules that look at it.
  /// - Throws: `OptimizerError.wrongGradientCount`, or `.notFinite` when the gradient, the loss or the
  ///   update holds NaN or infinity.
  public func step(
    _ parameters: inout [Float], gradient: [Float], loss: Float? = nil
  ) throws(OptimizerError) {
    guard parameters.count == parameterCount, gradient.count == parameterCount else {
      throw .wrongGradientCount(
        found: gradient.count == parameterCount ? parameters.count : gradient.count,
        expected: parameterCount)
    }
    let vector = Tensor(gradient)
    guard vector.isFinite, loss?.isFinite ?? !rule.inputs.contains(.loss) else {
      throw .notFinite(step: state.step)
    }
    let input = StepInput(
      gradient: vector, parameters: rule.inputs.contains(.parameter) ? Tensor(parameters) : vector,
      loss: loss ?? 0, count: plannedSteps)
    var next = state
    let update = engine.step(input, state: &next)
    guard update.isFinite else { throw .notFinite(step: state.step) }
    state = next
    update.withUnsafeFloats { update in
      for index in parameters.indices { parameters[index] += update[index] }
    }
  }

  // MARK: - Saving and restoring

  /// The state as a file: `state/<k>` and `step`; `restore` goes on from it bit for bit.
  public var savedState: SafetensorsFile {
    rule.stateFile(engine.export(state), step: state.step)
  }

  /// Goes on from what `savedState` gave.
  ///
  /// - Throws: `OptimizerError.unfitState`; the stepper is then as it was.
  public func restore(_ file: SafetensorsFile) throws(OptimizerError) {
    let (tensors, step) = try rule.stateTensors(in: file, of: shapes)
    state = engine.restore(tensors, step: step, shapes: shapes)
  }
}
