internal import CKernels
internal import Layers
internal import Tensors

/// Runs the perceptron rules (Celo2, Celo, MLPLOpt, AdafacMLPLOpt) through their fused kernel.
///
/// The forward step reads each tensor's gradient, values and state in two passes and keeps nothing of
/// the size [elements, features]. Meta-gradients go through `TensorEngine`, whose state has the same
/// numbers in the same order.
final class PerceptronEngine: OptimizerEngine {
  private let rule: any PerceptronOptimizer
  private let differentiated: TensorEngine
  private let scheduler: CeloScheduler?
  private var kernel: ck_mlp_rule
  private var packed = Tensor([0])
  private var scratch = Tensor([0])
  // The scheduler's, one a tensor, at the step that is taken.
  private var stepSizes: [Float] = []
  /// What the rule's schedule multiplies its rate by at the step that is taken.
  private var rateFactor: Float = 1
  /// The same for the size of the learned directions.
  private var stepFactor: Float = 1

  init(_ rule: any PerceptronOptimizer) {
    self.rule = rule
    differentiated = TensorEngine(rule)
    scheduler = rule.makeScheduler()
    kernel = rule.core.description.kernel
    kernel.orthogonalizes = rule.isOrthogonal ? 1 : 0
    kernel.normalizes_step = rule.normalizesStep ? 1 : 0
    kernel.graft = rule.graft
  }

  func load(_ weights: NamedTensors) {
    differentiated.load(weights)
    let layers = 2 * (rule.core.description.hidden.count + 1)
    packed =
      NamedTensors(
        names: Array(weights.names.prefix(layers)), tensors: Array(weights.tensors.prefix(layers))
      ).flattened
    let others = Array(weights.tensors.dropFirst(layers))
    scheduler?.load(others)
    if rule.core.description.learnsDecays { kernel.setDecays(others, rule.core.description) }
  }

  // MARK: - State: a vector a tensor, as the kernel has it; then what tensors share

  func initialState(of shapes: [Shape]) -> OptimizerState {
    restore(rule.initialState(of: shapes), step: 0, shapes: shapes)
  }

  private func parts(of shape: Shape) -> [Shape] {
    rule.usesAdam(for: shape) ? [shape, shape] : rule.core.description.stateShapes(of: shape)
  }

  func export(_ state: OptimizerState) -> [Tensor] {
    var tensors: [Tensor] = []
    for (shape, vector) in zip(state.shapes, state.tensors) {
      var offset = 0
      for part in parts(of: shape) {
        tensors.append(vector.view(from: offset, shape: part))
        offset += part.count
      }
    }
    return tensors + state.tensors.dropFirst(state.shapes.count)
  }

  func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState {
    var rest = tensors[...]
    let vectors = shapes.map { shape in
      let count = parts(of: shape).count
      defer { rest = rest.dropFirst(count) }
      let parts = Array(rest.prefix(count))
      return NamedTensors(names: parts.indices.map(String.init), tensors: parts).flattened
    }
    return OptimizerState(tensors: vectors + rest, step: step, shapes: shapes)
  }

  // MARK: - Forward

  func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    findStepSizes(input, &state)
    var update = Tensor(uninitialized: Shape(vector: state.elementCount)) { _ in }
    update.withUnsafeMutableFloats { update in
      input.gradient.withUnsafeFloats { gradient in
        input.parameters.withUnsafeFloats { parameters in
          var offset = 0
          for index in state.shapes.indices {
            let place = Place(
              gradient: gradient + offset, parameters: parameters + offset, update: update + offset)
            run(index, &state, place)
            offset += state.shapes[index].count
          }
        }
      }
    }
    state.step += 1
    return update
  }

  func apply(
    _ input: StepInput, state: inout OptimizerState, to vector: inout Tensor, at start: Int
  ) {
    findStepSizes(input, &state)
    vector.withUnsafeMutableFloats { vector in
      input.gradient.withUnsafeFloats { gradient in
        var offset = 0
        for index in state.shapes.indices {
          let place = Place(
            gradient: gradient + offset, parameters: UnsafePointer(vector + start + offset),
            update: nil, target: vector + start + offset)
          run(index, &state, place)
          offset += state.shapes[index].count
        }
      }
    }
    state.step += 1
  }

  private func findStepSizes(_ input: StepInput, _ state: inout OptimizerState) {
    if let scheduler {
      scheduler.find(input, state: &state, into: &stepSizes)
    } else {
      rateFactor = Float(rule.rateSchedule.factor(step: state.step, of: input.count))
      stepFactor = rateFactor
      // Functions with rank 1 alone take less time than these powers.
      if rule.graft != 0, state.shapes.contains(where: { !rule.usesAdam(for: $0) }) {
        stepFactor *= rule.core.description.agreementCorrection(step: state.step, rule.graft)
      }
    }
  }

  private struct Place {
    let gradient: UnsafePointer<Float>
    let parameters: UnsafePointer<Float>
    let update: UnsafeMutablePointer<Float>?
    var target: UnsafeMutablePointer<Float>?
  }

  private func run(
    _ index: Int, _ state: inout OptimizerState, _ place: Place
  ) {
    let shape = state.shapes[index]
    if rule.usesAdam(for: shape) { return stepAdam(shape.count, &state.tensors[index], place) }
    var dimensions = (
      Int64(1), Int64(1), Int64(1), Int64(1), Int64(1), Int64(1), Int64(1), Int64(1)
    )
    let rank = max(shape.rank, 1)
    withUnsafeMutableBytes(of: &dimensions) { bytes in
      let extents = bytes.bindMemory(to: Int64.self)
      for axis in 0..<shape.rank { extents[axis] = Int64(shape[axis]) }
    }
    var times: (Float, Float, Float, Float, Float, Float, Float, Float, Float, Float, Float) = (
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    )
    let stepIndex = Int64(state.step)
    withUnsafeBytes(of: &dimensions) { dimensions in
      withUnsafeMutableBytes(of: &times) { times in
        let dims = dimensions.bindMemory(to: Int64.self).baseAddress
        let features = times.bindMemory(to: Float.self).baseAddress
        var call = ck_mlp_rule_call(
          step_size: scheduler == nil ? rule.stepSize * stepFactor : stepSizes[index],
          weight_decay: rule.decayPerStep * rateFactor, times: nil)
        if kernel.has_time != 0, let features {
          ck_mlp_rule_time_features(stepIndex, features)
          call.times = UnsafePointer(features)
        }
        let needed = Int(ck_mlp_rule_scratch_floats(&kernel, Int32(rank), dims))
        if needed > scratch.count {
          scratch = Tensor(uninitialized: Shape(vector: needed)) { _ in }
        }
        packed.withUnsafeFloats { packed in
          scratch.withUnsafeMutableFloats { scratch in
            state.tensors[index].withUnsafeMutableFloats { state in
              if let target = place.target {
                ck_mlp_rule_apply(
                  &kernel, &call, packed, Int32(rank), dims, place.gradient, target, state, scratch)
              } else if let update = place.update {
                ck_mlp_rule_step(
                  &kernel, &call, packed, Int32(rank), dims, place.gradient, place.parameters,
                  state, update, scratch)
              }
            }
          }
        }
      }
    }
  }

  /// Adam without bias correction, for tensors that the perceptron does not step.
  private func stepAdam(_ count: Int, _ state: inout Tensor, _ place: Place) {
    var adam = ck_adam()
    ck_adam_make(&adam, rule.adamRate * rateFactor, 0.9, 0.95, 1e-8, 0, 0)
    adam.weight_decay = rule.decayPerStep * rateFactor
    let count64 = Int64(count)
    state.withUnsafeMutableFloats { m in
      if let target = place.target {
        ck_adam_apply(&adam, count64, place.gradient, target, m, m + count)
      } else if let update = place.update {
        ck_adam_step(&adam, count64, place.gradient, place.parameters, m, m + count, update)
      }
    }
  }

  // MARK: - Backward

  func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    differentiated.backward(
      gradients: gradients, lossWeights: lossWeights, from: exported(initial),
      into: &weightGradient)
  }

  private func exported(_ state: OptimizerState) -> OptimizerState {
    OptimizerState(tensors: export(state), step: state.step, shapes: state.shapes)
  }

  func zeroAdjoint(of state: OptimizerState) -> OptimizerState {
    differentiated.zeroAdjoint(of: exported(state))
  }

  func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    differentiated.backwardStep(
      input, state: exported(state), updateAdjoint: updateAdjoint, stateAdjoint: &stateAdjoint,
      into: &weightGradient)
  }
}

/// A rule that is a perceptron on features of each parameter.
protocol PerceptronOptimizer: LearnedOptimizer {
  var core: PerceptronCore { get }
  /// Whether directions of matrices are made orthogonal.
  var isOrthogonal: Bool { get }
  /// Whether directions are normalized over the last two axes.
  var normalizesStep: Bool { get }
  /// What is subtracted of a parameter at each step, as a share of it.
  var decayPerStep: Float { get }
  /// Adam's learning rate, for tensors that the perceptron does not step.
  var adamRate: Float { get }
  func usesAdam(for shape: Shape) -> Bool
  /// The factor of every tensor's direction, where there is no scheduler.
  var stepSize: Float { get }
  /// The power of how far gradients agree that learned directions go with.
  var graft: Float { get }
  /// What it, Adam's rate and the decay go on by.
  var rateSchedule: RateSchedule { get }
  /// What finds the factors step by step; nil where they stay.
  func makeScheduler() -> CeloScheduler?
}

extension PerceptronOptimizer {
  var isOrthogonal: Bool { false }
  var normalizesStep: Bool { false }
  var decayPerStep: Float { 0 }
  var adamRate: Float { 0 }
  func usesAdam(for shape: Shape) -> Bool { false }
  var stepSize: Float { 1 }
  var graft: Float { 0 }
  var rateSchedule: RateSchedule { .constant }
  func makeScheduler() -> CeloScheduler? { nil }

  /// Unless decays are learned.
  public var stateFollowsGradientsAlone: Bool { !core.description.learnsDecays }

  /// Ranks from 0 to 4.
  public func requirement(unmetBy shape: Shape) -> String? {
    shape.rank <= 4 ? nil : "at most four axes"
  }

  /// The fused kernel.
  public func makeEngine() -> any OptimizerEngine { PerceptronEngine(self) }
}

extension PerceptronDescription {
  /// The same for the kernel.
  var kernel: ck_mlp_rule {
    var rule = ck_mlp_rule()
    rule.momentum_count = Int32(momentumDecays.count)
    rule.rms_count = Int32(rmsDecays.count)
    rule.factored_count = Int32(factoredDecays.count)
    rule.setDecays(momentumDecays, rmsDecays, factoredDecays)
    rule.group_count = Int32(features.count)
    withUnsafeMutableBytes(of: &rule.groups) { groups in
      for (index, feature) in features.enumerated() {
        groups.bindMemory(to: Int32.self)[index] = Int32(feature.rawValue)
      }
    }
    rule.vectors_stop_at_row = vectorsStopAtRow ? 1 : 0
    rule.has_time = hasTime ? 1 : 0
    rule.normalizes_last_two = normalizesLastTwoAxes ? 1 : 0
    rule.gradient_limit = gradientLimit
    rule.rms_epsilon = rmsEpsilon
    rule.vector_epsilon = vectorEpsilon
    rule.normalization_epsilon = normalizationEpsilon
    rule.layer_count = Int32(hidden.count)
    withUnsafeMutableBytes(of: &rule.widths) { widths in
      for (index, size) in hidden.enumerated() {
        widths.bindMemory(to: Int32.self)[index] = Int32(size)
      }
    }
    rule.outputs = Int32(outputs)
    rule.head =
      switch head {
      case .direct: Int32(CK_MLP_RULE_DIRECT)
      case .exponential: Int32(CK_MLP_RULE_EXP)
      case .exponentialOfRMS: Int32(CK_MLP_RULE_EXP_OF_RMS)
      }
    rule.exp_mult = expMultiplier
    rule.step_mult = stepMultiplier
    return rule
  }
}

extension ck_mlp_rule {
  fileprivate mutating func setDecays(
    _ momentum: [Double], _ rms: [Double], _ factored: [Double]
  ) {
    withUnsafeMutableBytes(of: &momentum_decays) { decays in
      for (index, decay) in momentum.enumerated() {
        decays.bindMemory(to: Double.self)[index] = decay
      }
    }
    if let decay = rms.first { rms_decay = decay }
    withUnsafeMutableBytes(of: &factored_decays) { decays in
      for (index, decay) in factored.enumerated() {
        decays.bindMemory(to: Double.self)[index] = decay
      }
    }
  }

  /// Decays that are learned: 1 - exp(10 (ln(1 - d) / 10 + offset)).
  fileprivate mutating func setDecays(_ offsets: [Tensor], _ description: PerceptronDescription) {
    func decays(_ standard: [Double], _ offsets: Tensor) -> [Double] {
      zip(standard, offsets.elements).map {
        1 - exponential(naturalLogarithm(1 - $0) + 10 * Double($1))
      }
    }
    func limited(_ decays: [Double]) -> [Double] { decays.map { min(max($0, 0), 1) } }
    setDecays(
      decays(description.momentumDecays, offsets[0]),
      limited(decays(description.rmsDecays, offsets[1])),
      limited(decays(description.factoredDecays, offsets[2])))
  }
}
