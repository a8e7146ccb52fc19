public import Tensors

/// What an optimizer remembers of one optimizee: a value, cheap to copy until it is changed.
public struct OptimizerState: Sendable {
  /// The engine's own tensors; their layout is the engine's.
  public var tensors: [Tensor]
  /// How many steps were taken.
  public var step: Int
  /// The number of rows.
  public let rows: Int

  /// State tensors of `rows` rows after `step` steps.
  public init(tensors: [Tensor], step: Int, rows: Int) {
    self.tensors = tensors
    self.step = step
    self.rows = rows
  }
}

/// Runs one optimizer over parameter vectors, forward and backward.
///
/// Gradients and updates are matrices [rows, rowWidth]. An engine may keep scratch memory: it is
/// used by one thread at a time and serves any number of optimizees.
///
/// The meta-loss L of an unroll is a function of f_0 ... f_T with theta_{t+1} = theta_t + d_t. With
/// w_t = dL/df_t (1 for their sum), and where gradients count as constants, dL/dd_t =
/// w_{t+1} g_{t+1} + ... + w_T g_T: no unrolled graph is needed, only the g_t and the state at the
/// unroll's start.
public protocol OptimizerEngine: AnyObject {
  /// Uses other weights, of the same names and shapes, from now on.
  func load(_ weights: NamedTensors)

  /// Zero state for so many rows.
  func initialState(rows: Int) -> OptimizerState

  /// One step: returns the update for `gradient` and advances `state`.
  func step(_ gradient: Tensor, state: inout OptimizerState) -> Tensor

  /// Adds the meta-gradient of one unroll to `weightGradient`.
  ///
  /// Memory beyond the arguments is a block's scratch: it grows neither with the rows nor with the
  /// number of unrolls.
  ///
  /// - Parameters:
  ///   - gradients: g_0 ... g_T, each [rows, rowWidth], as given to `step`; g_T only as an adjoint.
  ///   - lossWeights: w_0 ... w_T.
  ///   - initial: the state before the first step.
  ///   - weightGradient: the sum so far, one number a weight element, in the weights' order.
  func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double])

  /// One step backward, for second derivatives.
  ///
  /// - Parameters:
  ///   - gradient: what `step` was given.
  ///   - state: the state before that step.
  ///   - updateAdjoint: dL/d update, [rows, rowWidth].
  ///   - stateAdjoint: dL/d state after the step, replaced by dL/d state before it.
  ///   - weightGradient: dL/d weights is added to it.
  /// - Returns: dL/d gradient through the optimizer, [rows, rowWidth].
  func backwardStep(
    gradient: Tensor, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> Tensor

  /// The state's tensors in the layout of `LearnedOptimizer.rowStateShapes`, to be saved.
  func export(_ state: OptimizerState) -> [Tensor]

  /// The inverse of `export`.
  func restore(_ tensors: [Tensor], step: Int, rows: Int) -> OptimizerState
}

extension OptimizerEngine {
  /// Adds the meta-gradient of one unroll whose meta-loss is the sum of its losses.
  public func backward(
    gradients: [Tensor], from initial: OptimizerState, into weightGradient: inout [Double]
  ) {
    backward(
      gradients: gradients, lossWeights: gradients.map { _ in 1 }, from: initial,
      into: &weightGradient)
  }
}
