internal import Autodiff
public import Tensors

/// Runs any row-wise rule through automatic differentiation: the default, and the oracle of faster
/// ones.
///
/// The backward pass takes the rows block by block, recomputing a block's forward pass on a tape.
public final class RowEngine: OptimizerEngine {
  private let rule: any RowwiseOptimizer
  private var weights: [Variable] = []
  private let tape = Tape()
  private let blockRows: Int

  /// An engine for the rule.
  ///
  /// - Parameter blockRows: rows whose unroll is recomputed and differentiated at once.
  public init(_ rule: any RowwiseOptimizer, blockRows: Int = 256) {
    self.rule = rule
    self.blockRows = blockRows
  }

  /// Takes other weights.
  public func load(_ weights: NamedTensors) {
    self.weights = weights.tensors.map { Variable($0) }
  }

  /// Zeros.
  public func initialState(of shapes: [Shape]) -> OptimizerState {
    OptimizerState(tensors: rule.initialState(of: shapes), step: 0, shapes: shapes)
  }

  /// One step on constants: nothing is recorded.
  public func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    let rows = rule.rows(in: input.gradient, shapes: state.shapes)
    let (update, next) = rule.update(
      rows: Variable(rows), state: state.tensors.map { Variable($0) }, index: state.step,
      weights: weights)
    state.tensors = next.map(\.value)
    state.step += 1
    return rule.vector(ofRows: update.value, shapes: state.shapes)
  }

  /// Recomputes and differentiates the unroll block by block.
  public func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    guard !weights.isEmpty else { return }
    let gradients = gradients.map { rule.rows(in: $0, shapes: initial.shapes) }
    let rows = initial.elementCount / rule.rowWidth
    for start in stride(from: 0, to: rows, by: blockRows) {
      let count = min(blockRows, rows - start)
      func block(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 0, from: start, count: count) }
      tape.reset()
      let weights = self.weights.map { tape.variable($0.value) }
      var state = initial.tensors.map { Variable(block($0)) }
      var updates: [Variable] = []
      for (step, gradient) in gradients.dropLast().enumerated() {
        let (update, next) = rule.update(
          rows: Variable(block(gradient)), state: state, index: initial.step + step,
          weights: weights)
        updates.append(update)
        state = next
      }
      var adjoint = Tensor.zeros([count, rule.rowWidth])
      var seeds: [Variable] = []
      for (gradient, weight) in zip(gradients, lossWeights).dropFirst().reversed() {
        adjoint = adjoint + block(gradient).affine(scale: weight, offset: 0)
        seeds.append(Variable(adjoint))
      }
      let result = Autodiff.gradients(
        of: updates, seeds: seeds.reversed(), withRespectTo: weights)
      accumulate(result.lazy.map(\.value), into: &weightGradient)
    }
    tape.reset()
  }

  /// Recomputes one step on a tape and differentiates it.
  public func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    tape.reset()
    defer { tape.reset() }
    let weights = self.weights.map { tape.variable($0.value) }
    let rows = tape.variable(rule.rows(in: input.gradient, shapes: state.shapes))
    let before = state.tensors.map { tape.variable($0) }
    let (update, after) = rule.update(
      rows: rows, state: before, index: state.step, weights: weights)
    let adjoint = rule.rows(in: updateAdjoint, shapes: state.shapes)
    let results = Autodiff.gradients(
      of: [update] + after,
      seeds: [Variable(adjoint)] + stateAdjoint.tensors.map { Variable($0) },
      withRespectTo: [rows] + before + weights)
    accumulate(
      results.dropFirst(1 + before.count).lazy.map(\.value), into: &weightGradient)
    stateAdjoint.tensors = results[1..<1 + before.count].map(\.value)
    return StepAdjoint(gradient: rule.vector(ofRows: results[0].value, shapes: state.shapes))
  }
}
