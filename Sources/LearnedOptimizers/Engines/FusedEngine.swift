internal import CKernels
package import Tensors

/// Runs a `DeepLSTM` or `RNNprop` through the fused kernels: the fast twin of `RowEngine`.
///
/// The forward step reads and writes the state once. The backward pass takes a block of rows at a
/// time, recomputes its activations within the cache and goes back through all steps; weight
/// gradients are summed over blocks in one fixed order, in double precision. Between calls nothing
/// is kept but the packed weights and a block's scratch.
package final class FusedEngine: OptimizerEngine {
  // Rows whose update adjoints are made at once: a multiple of every kernel's block of rows, so
  // that a state can be cut there; of 3 times a power of two, as blocks may be.
  private static let chunkRows = 1152

  private let rule: any RowwiseOptimizer
  private let isContiguous: Bool
  private let width: Int
  private var config: ck_deep_lstm_config
  private var packed: Tensor
  private var scratch = Tensor([0])
  private var scratchSteps = 0
  private var updates = Tensor([0])
  private var adjoints = Tensor([0])

  /// An engine for the rule's net.
  public convenience init(_ rule: any DeepLSTMOptimizer) {
    var config = ck_deep_lstm_config(rule.net, scale: rule.net.scale)
    config.width = Int32(rule.net.width)
    self.init(rule, config)
  }

  /// An engine for the rule.
  public convenience init(_ rule: RNNprop) {
    var config = ck_deep_lstm_config(rule.net, scale: rule.settings.scale)
    config.width = 1
    config.preprocess = Int32(CK_PREPROCESS_MOMENTS)
    config.projection = Int32(rule.net.width)
    config.decay = RNNprop.decay
    config.squashes = 1
    self.init(rule, config)
  }

  private init(_ rule: any RowwiseOptimizer, _ config: ck_deep_lstm_config) {
    self.rule = rule
    self.config = config
    isContiguous = rule.rowsAreContiguous
    width = rule.rowWidth
    packed = .zeros(Shape(vector: Int(ck_deep_lstm_packed_floats(&self.config))))
    // One more row takes one more block, exactly after whole blocks.
    precondition(
      config.layer_count == 0 || stateFloats(Self.chunkRows + 1) > stateFloats(Self.chunkRows),
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

  /// The rows [R, width] of a vector of the state's tensors, of whatever shape that holds them.
  private func rows(_ vector: Tensor, _ state: OptimizerState) -> Tensor {
    isContiguous ? vector : rule.rows(in: vector, shapes: state.shapes)
  }

  private func vector(_ rows: Tensor, _ state: OptimizerState) -> Tensor {
    isContiguous ? rows : rule.vector(ofRows: rows, shapes: state.shapes)
  }

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
    config.step = Int64(state.step)
    let gradient = self.rows(input.gradient, state)
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
    return vector(update, state)
  }

  /// The forward kernel, chunk of rows by chunk: updates are added while they are in the cache.
  public func apply(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) {
    guard isContiguous else {
      return vector.add(step(input, state: &state), at: start)
    }
    reserveScratch(steps: 1)
    let all = rowCount(state)
    let chunk = min(Self.chunkRows, all)
    if updates.count < chunk * width {
      updates = Tensor(uninitialized: Shape(vector: chunk * width)) { _ in }
    }
    config.step = Int64(state.step)
    vector.withUnsafeMutableFloats { target in
      input.gradient.withUnsafeFloats { gradient in
        packed.withUnsafeFloats { packed in
          state.tensors[0].withUnsafeMutableFloats { state in
            updates.withUnsafeMutableFloats { update in
              scratch.withUnsafeMutableFloats { scratch in
                for first in stride(from: 0, to: all, by: Self.chunkRows) {
                  let rows = min(chunk, all - first)
                  let block = state + stateFloats(first)
                  ck_deep_lstm_step(
                    &config, packed, Int64(rows), gradient + first * width, block, block, update,
                    scratch)
                  let place = target + start + first * width
                  ck_binary_f32(CK_ADD, Int64(rows * width), place, update, place)
                }
              }
            }
          }
        }
      }
    }
    state.step += 1
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
    config.step = Int64(initial.step)
    let gradients = isContiguous ? gradients : gradients.map { rows($0, initial) }
    let allRows = rowCount(initial)
    let chunk = min(Self.chunkRows, allRows)
    if adjoints.count < steps * chunk * width {
      adjoints = Tensor(uninitialized: Shape(vector: steps * chunk * width)) { _ in }
    }
    for start in stride(from: 0, to: allRows, by: Self.chunkRows) {
      let rows = min(chunk, allRows - start)
      let count = rows * width
      adjoints.withUnsafeMutableFloats { adjoints in
        // All pointers are into tensors that outlive the call below.
        let gradientPointers = gradients.map {
          $0.withUnsafeFloats { Optional($0 + start * width) }
        }
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
    }
    withExtendedLifetime(gradients) {}
  }

  /// One call of the step-backward kernel.
  public func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    reserveScratch(steps: 1)
    let rows = Int64(rowCount(state))
    config.step = Int64(state.step)
    let gradient = self.rows(input.gradient, state)
    let updateAdjoint = self.rows(updateAdjoint, state)
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
    return StepAdjoint(gradient: vector(inputAdjoint, state))
  }

  /// h and c of each layer.
  public func export(_ state: OptimizerState) -> [Tensor] {
    let shapes = rule.rowStateShapes.map { Shape([rowCount(state)] + $0.dimensions) }
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

extension ck_deep_lstm_config {
  /// A net's layers and preprocessing.
  fileprivate init(_ net: DeepLSTM, scale: Float) {
    self.init()
    layer_count = Int32(net.layers.count)
    withUnsafeMutableBytes(of: &hidden) { hidden in
      for (layer, units) in net.layers.enumerated() {
        hidden.bindMemory(to: Int32.self)[layer] = Int32(units)
      }
    }
    self.scale = scale
    switch net.preprocess {
    case .identity:
      preprocess = Int32(CK_PREPROCESS_IDENTITY)
    case .clamp(let low, let high):
      preprocess = Int32(CK_PREPROCESS_CLAMP)
      (p0, p1) = (low ?? -.infinity, high ?? .infinity)
    case .logAndSign(let k):
      preprocess = Int32(CK_PREPROCESS_LOG_AND_SIGN)
      p0 = k
    }
  }
}
