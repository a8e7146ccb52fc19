internal import Tensors

/// Steps the parameters of a program of yours with a learned optimizer.
///
///     let saved = try SavedOptimizer(contentsOf: "mnist/cw.safetensors")
///     let stepper = OptimizerStepper(saved.optimizer, parameterCount: parameters.count)
///     for _ in 0..<100 {
///       try stepper.step(&parameters, gradient: gradient(at: parameters))
///     }
///
/// Not thread-safe; use one stepper a thread. A class, because the kernels' scratch memory is its
/// own and must not be shared by copies.
public final class OptimizerStepper {
  /// The number of parameters.
  public let parameterCount: Int
  /// How many steps were taken since the start or the last `reset`.
  public var stepCount: Int { state.step }
  private let engine: any OptimizerEngine
  private let width: Int
  private var state: OptimizerState

  /// A stepper for so many parameters, all at the start of their optimization.
  ///
  /// - Precondition: the number is a multiple of the optimizer's row width (1 if coordinate-wise).
  public init(_ optimizer: any LearnedOptimizer, parameterCount: Int) {
    width = optimizer.rowWidth
    precondition(
      parameterCount >= 0 && parameterCount.isMultiple(of: width),
      "\(parameterCount) parameters in rows of \(width)")
    self.parameterCount = parameterCount
    engine = optimizer.makeEngine()
    state = engine.initialState(rows: parameterCount / width)
  }

  /// Forgets all steps: the next one is the first of a new optimization.
  public func reset() { state = engine.initialState(rows: parameterCount / width) }

  /// Adds one update to the parameters.
  ///
  /// Nothing changes when an error is thrown.
  ///
  /// - Parameters:
  ///   - parameters: the point, changed in place.
  ///   - gradient: the gradient of the loss there.
  /// - Throws: `OptimizerError.wrongGradientCount`, or `.notFinite` when the gradient or the update
  ///   holds NaN or infinity.
  public func step(_ parameters: inout [Float], gradient: [Float]) throws(OptimizerError) {
    guard parameters.count == parameterCount, gradient.count == parameterCount else {
      throw .wrongGradientCount(
        found: gradient.count == parameterCount ? parameters.count : gradient.count,
        expected: parameterCount)
    }
    let rows = Tensor(gradient, shape: [parameterCount / width, width])
    guard rows.isFinite else { throw .notFinite(step: state.step) }
    var next = state
    let update = engine.step(rows, state: &next)
    guard update.isFinite else { throw .notFinite(step: state.step) }
    state = next
    update.withUnsafeFloats { update in
      for index in parameters.indices { parameters[index] += update[index] }
    }
  }
}
