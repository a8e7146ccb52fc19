internal import CKernels
public import Tensors

/// Runs a `DeepLSTM` through its fused kernels: the fast twin of `RowEngine`.
///
/// The forward step reads and writes the state once. The backward pass takes a block of rows at a
/// time, recomputes its activations within the cache and goes back through all steps; weight
/// gradients are summed over blocks in one fixed order, in double precision. Between calls nothing
/// is kept but the packed weights and a block's scratch.
public final class FusedEngine: OptimizerEngine {
  // Rows whose update adjoints are made at once: a multiple of every kernel's block of rows, so
  // that a state can be cut there; of 3 times a power of two, as blocks may be.
  private static let chunkRows = 1152

  private let rule: any DeepLSTMOptimizer
  private var config: ck_deep_lstm_config
  private let rowStateShapes: [Shape]
  private let width: Int
  private var packed: Tensor
  private var scratch = Tensor([0])
  private var scratchSteps = 0

  /// An engine for the rule's net.
  public init(_ rule: any DeepLSTMOptimizer) {
    self.rule = rule
    let net = rule.net
    width = net.width
    rowStateShapes = net.rowStateShapes
    config = ck_deep_lstm_config()
    config.layer_count = Int32(net.layers.count)
    withUnsafeMutableBytes(of: &config.hidden) { hidden in
      for (layer, units) in net.layers.enumerated() {
        hidden.bindMemory(to: Int32.self)[layer] = Int32(units)
      }
    }
    config.width = Int32(net.width)
    config.scale = net.scale
    switch net.preprocess {
    case .identity:
      config.preprocess = Int32(CK_PREPROCESS_IDENTITY)
    case .clamp(let low, let high):
      config.preprocess = Int32(CK_PREPROCESS_CLAMP)
      (config.p0, config.p1) = (low ?? -.infinity, high ?? .infinity)
    case .logAndSign(let k):
      config.preprocess = Int32(CK_PREPROCESS_LOG_AND_SIGN)
      config.p0 = k
    }
    packed = .zeros(Shape(vector: Int(ck_deep_lstm_packed_floats(&config))))
    // One more row takes one more block, exactly after whole blocks.
    precondition(
      net.layers.isEmpty || stateFloats(Self.chunkRows + 1) > stateFloats(Self.chunkRows),
      "a state can't be cut at \(Self.chunkRows) rows")
  }

  /// Rearranges the weights for the kernels.
  public func load(_ weights: NamedTensors) {
    weights.flattened.withUnsafeFloats { flat in
      packed.withUnsafeMutableFloats { ck_deep_lstm_pack(&config, flat, $0) }
    }
  }

  private func stateFloats(_ rows: Int) -> Int {
    Int(ck_deep_lstm_state_floats(&config, Int64(rows)))
  }

  private func reserveScratch(steps: Int) {
    guard steps > scratchSteps else { return }
    scratchSteps = steps
    let floats = ck_deep_lstm_scratch_floats(&config, Int64(Self.chunkRows), Int32(steps))
    scratch = Tensor(uninitialized: Shape(vector: Int(floats))) { _ in }
  }

  private func rowCount(_ state: OptimizerState) -> Int { state.elementCount / width }

  /// A zero-filled opaque state.
  public func initialState(of shapes: [Shape]) -> OptimizerState {
    let rows = shapes.reduce(0) { $0 + $1.count } / width
    return OptimizerState(
      tensors: [.zeros(Shape(vector: stateFloats(rows)))], step: 0, shapes: shapes)
  }

  /// One call of the forward kernel.
  public func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    reserveScratch(steps: 1)
    let rows = Int64(rowCount(state))
    let gradient = rule.rows(in: input.gradient, shapes: state.shapes)
    let update = Tensor(uninitialized: gradient.shape) { update in
      gradient.withUnsafeFloats { gradient in
        packed.withUnsafeFloats { packed in
          state.tensors[0].withUnsafeMutableFloats { state in
            scratch.withUnsafeMutableFloats { scratch in
              ck_deep_lstm_step(
                &config, packed, rows, gradient, state, state, update, scratch)
            }
          }
        }
      }
    }
    state.step += 1
    return rule.vector(ofRows: update, shapes: state.shapes)
  }

  /// The backward kernel, chunk of rows by chunk.
  ///
  /// dL/dd_t, the sum of w_{t+1} g_{t+1} to w_T g_T, is made for a chunk at a time: no second vector
  /// a step.
  public func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    let steps = gradients.count - 1
    guard steps > 0 else { return }
    reserveScratch(steps: steps)
    let gradients = gradients.map { rule.rows(in: $0, shapes: initial.shapes) }
    let allRows = rowCount(initial)
    let chunk = min(Self.chunkRows, allRows)
    var adjoints = Tensor(uninitialized: [steps, chunk * width]) { _ in }
    for start in stride(from: 0, to: allRows, by: Self.chunkRows) {
      let rows = min(chunk, allRows - start)
      let count = rows * width
      let inputs = gradients.map {
        $0.reshaped(to: Shape(vector: $0.count)).view(
          from: start * width, shape: Shape(vector: count))
      }
      adjoints.withUnsafeMutableFloats { adjoints in
        // All pointers are into tensors that outlive the call below.
        let gradientPointers = inputs.map { $0.withUnsafeFloats { Optional($0) } }
        let adjointPointers = (0..<steps).map { Optional(UnsafePointer(adjoints + $0 * count)) }
        for step in stride(from: steps - 1, through: 0, by: -1) {
          let target = adjoints + step * count
          guard let next = gradientPointers[step + 1] else { continue }
          let weight = lossWeights[step + 1]
          if step == steps - 1 {
            ck_affine_f32(Int64(count), next, weight, 0, target)
          } else if weight == 1 {
            ck_binary_f32(CK_ADD, Int64(count), next, target + count, target)
          } else {
            ck_affine_f32(Int64(count), next, weight, 0, target)
            ck_binary_f32(CK_ADD, Int64(count), target, target + count, target)
          }
        }
        packed.withUnsafeFloats { packed in
          initial.tensors[0].withUnsafeFloats { state in
            scratch.withUnsafeMutableFloats { scratch in
              ck_deep_lstm_backward(
                &config, packed, Int64(rows), Int32(steps), gradientPointers,
                state + stateFloats(start), adjointPointers, &weightGradient, scratch)
            }
          }
        }
      }
      withExtendedLifetime(inputs) {}
    }
  }

  /// One call of the step-backward kernel.
  public func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    reserveScratch(steps: 1)
    let rows = Int64(rowCount(state))
    let gradient = rule.rows(in: input.gradient, shapes: state.shapes)
    let updateAdjoint = rule.rows(in: updateAdjoint, shapes: state.shapes)
    let inputAdjoint = Tensor(uninitialized: gradient.shape) { inputAdjoint in
      gradient.withUnsafeFloats { gradient in
        updateAdjoint.withUnsafeFloats { updateAdjoint in
          packed.withUnsafeFloats { packed in
            state.tensors[0].withUnsafeFloats { before in
              stateAdjoint.tensors[0].withUnsafeMutableFloats { adjoint in
                scratch.withUnsafeMutableFloats { scratch in
                  ck_deep_lstm_step_backward(
                    &config, packed, rows, gradient, before, updateAdjoint, adjoint,
                    inputAdjoint, &weightGradient, scratch)
                }
              }
            }
          }
        }
      }
    }
    return StepAdjoint(gradient: rule.vector(ofRows: inputAdjoint, shapes: state.shapes))
  }

  /// h and c of each layer.
  public func export(_ state: OptimizerState) -> [Tensor] {
    let shapes = rowStateShapes.map { Shape([rowCount(state)] + $0.dimensions) }
    let all = Tensor(uninitialized: Shape(vector: shapes.reduce(0) { $0 + $1.count })) { target in
      state.tensors[0].withUnsafeFloats {
        ck_deep_lstm_state_export(&config, Int64(rowCount(state)), $0, target)
      }
    }
    var start = 0
    return shapes.map { shape in
      defer { start += shape.count }
      return all.view(from: start, shape: shape)
    }
  }

  /// The inverse of `export`.
  public func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState {
    let flat = NamedTensors(names: tensors.indices.map(String.init), tensors: tensors).flattened
    var state = initialState(of: shapes)
    let rows = rowCount(state)
    state.step = step
    flat.withUnsafeFloats { source in
      state.tensors[0].withUnsafeMutableFloats {
        ck_deep_lstm_state_import(&config, Int64(rows), source, $0)
      }
    }
    return state
  }
}
