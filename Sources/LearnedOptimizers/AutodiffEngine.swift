internal import Autodiff
public import Tensors

/// Runs any optimizer through automatic differentiation: the default, and the oracle of faster ones.
///
/// The backward pass takes the rows block by block, recomputing a block's forward pass on a tape.
public final class AutodiffEngine: OptimizerEngine {
  private let optimizer: any LearnedOptimizer
  private var weights: [Variable]
  private let rowStateShapes: [Shape]
  private let tape = Tape()
  private let blockRows: Int

  /// An engine for the optimizer with the weights it has now.
  ///
  /// - Parameter blockRows: rows whose unroll is recomputed and differentiated at once.
  public init(_ optimizer: any LearnedOptimizer, blockRows: Int = 256) {
    self.optimizer = optimizer
    self.blockRows = blockRows
    weights = optimizer.weights.tensors.map { Variable($0) }
    rowStateShapes = optimizer.rowStateShapes
  }

  /// Takes other weights.
  public func load(_ weights: NamedTensors) {
    self.weights = weights.tensors.map { Variable($0) }
  }

  private func stateShape(_ shape: Shape, rows: Int) -> Shape { Shape([rows] + shape.dimensions) }

  /// Zeros of the state's shapes.
  public func initialState(rows: Int) -> OptimizerState {
    OptimizerState(
      tensors: rowStateShapes.map { .zeros(stateShape($0, rows: rows)) }, step: 0, rows: rows)
  }

  /// One step on constants: nothing is recorded.
  public func step(_ gradient: Tensor, state: inout OptimizerState) -> Tensor {
    let (update, next) = optimizer.update(
      gradient: Variable(gradient), state: state.tensors.map { Variable($0) }, step: state.step,
      weights: weights)
    state.tensors = next.map(\.value)
    state.step += 1
    return update.value
  }

  /// Recomputes and differentiates the unroll block by block.
  public func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    guard !weights.isEmpty else { return }
    for start in stride(from: 0, to: initial.rows, by: blockRows) {
      let count = min(blockRows, initial.rows - start)
      func block(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 0, from: start, count: count) }
      tape.reset()
      let weights = self.weights.map { tape.variable($0.value) }
      var state = initial.tensors.map { Variable(block($0)) }
      var updates: [Variable] = []
      for (step, gradient) in gradients.dropLast().enumerated() {
        let (update, next) = optimizer.update(
          gradient: Variable(block(gradient)), state: state, step: initial.step + step,
          weights: weights)
        updates.append(update)
        state = next
      }
      var adjoint = Tensor.zeros([count, optimizer.rowWidth])
      var seeds: [Variable] = []
      for (gradient, weight) in zip(gradients, lossWeights).dropFirst().reversed() {
        adjoint = adjoint + block(gradient).affine(scale: weight, offset: 0)
        seeds.append(Variable(adjoint))
      }
      let result = Autodiff.gradients(
        of: updates, seeds: seeds.reversed(), withRespectTo: weights)
      accumulate(result, into: &weightGradient)
    }
    tape.reset()
  }

  private func accumulate(_ gradients: [Variable], into sum: inout [Double]) {
    var position = 0
    for gradient in gradients {
      gradient.value.withUnsafeFloats { source in
        for index in 0..<gradient.value.count { sum[position + index] += Double(source[index]) }
      }
      position += gradient.value.count
    }
  }

  /// Recomputes one step on a tape and differentiates it.
  public func backwardStep(
    gradient: Tensor, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> Tensor {
    tape.reset()
    defer { tape.reset() }
    let weights = self.weights.map { tape.variable($0.value) }
    let input = tape.variable(gradient)
    let before = state.tensors.map { tape.variable($0) }
    let (update, after) = optimizer.update(
      gradient: input, state: before, step: state.step, weights: weights)
    let results = Autodiff.gradients(
      of: [update] + after,
      seeds: [Variable(updateAdjoint)] + stateAdjoint.tensors.map { Variable($0) },
      withRespectTo: [input] + before + weights)
    accumulate(Array(results.dropFirst(1 + before.count)), into: &weightGradient)
    stateAdjoint.tensors = results[1..<1 + before.count].map(\.value)
    return results[0].value
  }

  /// The state as it is.
  public func export(_ state: OptimizerState) -> [Tensor] { state.tensors }

  /// The state as it is.
  public func restore(_ tensors: [Tensor], step: Int, rows: Int) -> OptimizerState {
    OptimizerState(tensors: tensors, step: step, rows: rows)
  }
}
