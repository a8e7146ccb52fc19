internal import CKernels
internal import Tensors

/// Runs `Adam` through its kernel, to the bits of `RowEngine`: both moments and the update in one pass.
final class AdamEngine: OptimizerEngine {
  private let rule: Adam
  private let differentiated: RowEngine

  init(_ rule: Adam) {
    self.rule = rule
    differentiated = RowEngine(rule)
  }

  func load(_ weights: NamedTensors) {}

  // Both moments are one vector: m, then v.

  func initialState(of shapes: [Shape]) -> OptimizerState {
    let count = shapes.reduce(0) { $0 + $1.count }
    return OptimizerState(tensors: [.zeros(Shape(vector: 2 * count))], step: 0, shapes: shapes)
  }

  func export(_ state: OptimizerState) -> [Tensor] {
    let count = state.elementCount
    return [0, count].map {
      state.tensors[0].view(from: $0, shape: Shape(rows: count, columns: 1))
    }
  }

  func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState {
    let both = Tensor.concatenated(tensors, axis: 0)
    return OptimizerState(
      tensors: [both.reshaped(to: Shape(vector: both.count))], step: step, shapes: shapes)
  }

  func zeroAdjoint(of state: OptimizerState) -> OptimizerState {
    differentiated.initialState(of: state.shapes)
  }

  private func numbers(_ state: OptimizerState) -> ck_adam {
    var adam = ck_adam()
    ck_adam_make(
      &adam, rule.learningRate, rule.beta1, rule.beta2, rule.epsilon, Int64(state.step), 1)
    return adam
  }

  func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    var adam = numbers(state)
    let count = state.elementCount
    let update = Tensor(uninitialized: Shape(vector: state.elementCount)) { update in
      input.gradient.withUnsafeFloats { gradient in
        state.tensors[0].withUnsafeMutableFloats { moments in
          ck_adam_step(
            &adam, Int64(count), gradient, nil, moments, moments + count, update)
        }
      }
    }
    state.step += 1
    return update
  }

  func apply(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) {
    _ = applyAndCheck(input, state: &state, to: &vector, at: start)
  }

  // The kernel looks at what it has just found: another pass would be a fifth of the step's time.
  func applyAndCheck(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) -> Bool {
    var adam = numbers(state)
    let count = state.elementCount
    state.step += 1
    return vector.withUnsafeMutableFloats { vector in
      input.gradient.withUnsafeFloats { gradient in
        state.tensors[0].withUnsafeMutableFloats { moments in
          ck_adam_apply(
            &adam, Int64(count), gradient, vector + start, moments, moments + count) != 0
        }
      }
    }
  }

  func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {}

  func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    let before = OptimizerState(
      tensors: export(state), step: state.step, shapes: state.shapes)
    return differentiated.backwardStep(
      input, state: before, updateAdjoint: updateAdjoint, stateAdjoint: &stateAdjoint,
      into: &weightGradient)
  }
}
