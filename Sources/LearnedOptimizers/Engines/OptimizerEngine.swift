public import Tensors

/// What an optimizer remembers of one optimizee: a value, cheap to copy until it is changed.
public struct OptimizerState: Sendable {
  /// The engine's own tensors; their layout is the engine's.
  public var tensors: [Tensor]
  /// How many steps were taken.
  public var step: Int
  /// The shapes of the tensors that are stepped.
  public let shapes: [Shape]
  /// Their number of elements.
  public let elementCount: Int

  /// State tensors for parameters of these shapes after `step` steps.
  public init(tensors: [Tensor], step: Int, shapes: [Shape]) {
    self.tensors = tensors
    self.step = step
    self.shapes = shapes
    elementCount = shapes.reduce(0) { $0 + $1.count }
  }
}

/// What an engine is given for one step: the tensors of the state's shapes, one after the other.
public struct StepInput: Sendable {
  /// The gradients [elements].
  public var gradient: Tensor
  /// The values before the step [elements].
  public var parameters: Tensor
  /// The loss at these values.
  public var loss: Float
  /// How many steps there will be; nil when that is not known.
  public var count: Int?
  /// Whether gradient and loss count as constants, as they do to the first order: `backwardStep` may
  /// then give 0 for their adjoints.
  public var isConstant = false

  /// What is known before a step.
  public init(gradient: Tensor, parameters: Tensor, loss: Float, count: Int? = nil) {
    self.gradient = gradient
    self.parameters = parameters
    self.loss = loss
    self.count = count
  }
}

/// How the meta-loss depends on what an engine was given for one step.
public struct StepAdjoint: Sendable {
  /// dL/d gradient [elements].
  public var gradient: Tensor
  /// dL/d parameters [elements] through the rule; nil for rules that don't look at them.
  public var parameters: Tensor?
  /// dL/d loss; 0 for rules that don't look at it.
  public var loss: Float

  /// The adjoints of one step.
  public init(gradient: Tensor, parameters: Tensor? = nil, loss: Float = 0) {
    self.gradient = gradient
    self.parameters = parameters
    self.loss = loss
  }
}

/// Runs one rule over parameter vectors, forward and backward.
///
/// An engine may keep scratch memory: it is used by one thread at a time and serves any number of
/// optimizees, whose tensors may have any shapes.
///
/// The meta-loss L of an unroll is a function of f_0 ... f_T with theta_{t+1} = theta_t + d_t. With
/// w_t = dL/df_t (1 for their sum), where gradients count as constants and the rule sees nothing else,
/// dL/dd_t = w_{t+1} g_{t+1} + ... + w_T g_T: no unrolled graph is needed, only the g_t and the state
/// at the unroll's start.
public protocol OptimizerEngine: AnyObject {
  /// Uses other weights, of the rule's names and shapes, from now on.
  func load(_ weights: NamedTensors)

  /// The state before the first step.
  func initialState(of shapes: [Shape]) -> OptimizerState

  /// One step: returns what is added to the parameters [elements], and advances `state`.
  func step(_ input: StepInput, state: inout OptimizerState) -> Tensor

  /// One step that adds to the parameters in place, to the bits of `step`; `input.parameters` is not
  /// looked at.
  ///
  /// - Parameters:
  ///   - vector: the parameters of the state's tensors are its elements from `start` on.
  func apply(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int)

  /// `apply`, and whether the parameters that it changed are all finite afterwards.
  func applyAndCheck(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) -> Bool

  /// Adds the first-order meta-gradient of one unroll to `weightGradient`: for rules that look at
  /// gradients alone.
  ///
  /// Memory beyond the arguments is a block's scratch: it grows neither with the elements nor with
  /// the number of unrolls.
  ///
  /// - Parameters:
  ///   - gradients: g_0 ... g_T, as given to `step`; g_T only as an adjoint.
  ///   - lossWeights: w_0 ... w_T.
  ///   - initial: the state before the first step.
  ///   - weightGradient: the sum so far, one number a weight element, in the weights' order.
  func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double])

  /// One step backward.
  ///
  /// - Parameters:
  ///   - input: what `step` was given.
  ///   - state: the state before that step.
  ///   - updateAdjoint: dL/d update [elements].
  ///   - stateAdjoint: dL/d state after the step, replaced by dL/d state before it; zeros of
  ///     `initialState` behind the last step.
  ///   - weightGradient: dL/d weights is added to it.
  func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint

  /// dL/d state behind the last step: zeros in the engine's layout.
  func zeroAdjoint(of state: OptimizerState) -> OptimizerState

  /// The state's tensors in the layout of `LearnedOptimizer.initialState(of:)`, to be saved.
  func export(_ state: OptimizerState) -> [Tensor]

  /// The inverse of `export`.
  func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState
}

extension OptimizerEngine {
  /// Steps, then adds.
  public func apply(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) {
    var input = input
    input.parameters = vector.view(from: start, shape: Shape(vector: state.elementCount))
    let update = step(input, state: &state)
    // A view would have the vector copied.
    input.parameters = update
    vector.add(update, at: start)
  }

  /// Applies, then looks.
  public func applyAndCheck(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) -> Bool {
    apply(input, state: &state, to: &vector, at: start)
    return vector.view(from: start, shape: Shape(vector: state.elementCount)).isFinite
  }

  /// Adds the meta-gradient of one unroll whose meta-loss is the sum of its losses.
  public func backward(
    gradients: [Tensor], from initial: OptimizerState, into weightGradient: inout [Double]
  ) {
    backward(
      gradients: gradients, lossWeights: gradients.map { _ in 1 }, from: initial,
      into: &weightGradient)
  }

  /// Zeros of the state's shapes.
  public func zeroAdjoint(of state: OptimizerState) -> OptimizerState {
    OptimizerState(
      tensors: state.tensors.map { .zeros($0.shape) }, step: state.step, shapes: state.shapes)
  }

  /// The state as it is.
  public func export(_ state: OptimizerState) -> [Tensor] { state.tensors }

  /// The state as it is.
  public func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState {
    OptimizerState(tensors: tensors, step: step, shapes: shapes)
  }
}

/// Adds gradients, one after the other, to a sum in double precision.
func accumulate(_ gradients: some Sequence<Tensor>, into sum: inout [Double]) {
  var position = 0
  for gradient in gradients {
    gradient.withUnsafeFloats { source in
      for index in 0..<gradient.count { sum[position + index] += Double(source[index]) }
    }
    position += gradient.count
  }
}
