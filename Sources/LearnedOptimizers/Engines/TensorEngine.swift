internal import Autodiff
public import Tensors

/// Runs any rule through automatic differentiation over whole tensors: the default engine, and the
/// oracle of faster ones.
///
/// Meta-gradients go back step by step: each step is computed again on a tape and differentiated.
public final class TensorEngine: OptimizerEngine {
  private let rule: any LearnedOptimizer
  private var weights: [Variable] = []
  private let tape = Tape()

  /// An engine for the rule.
  public init(_ rule: any LearnedOptimizer) { self.rule = rule }

  /// Takes other weights.
  public func load(_ weights: NamedTensors) {
    self.weights = weights.tensors.map { Variable($0) }
  }

  /// What the rule starts with.
  public func initialState(of shapes: [Shape]) -> OptimizerState {
    OptimizerState(tensors: rule.initialState(of: shapes), step: 0, shapes: shapes)
  }

  /// One step on constants: nothing is recorded.
  public func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    let step = Step(
      gradients: input.gradient.parts(of: state.shapes).map { Variable($0) },
      parameters: input.parameters.parts(of: state.shapes).map { Variable($0) },
      loss: Variable(input.loss), index: state.step, count: input.count)
    let (updates, next) = rule.update(
      step, state: state.tensors.map { Variable($0) }, weights: weights)
    state.tensors = next.map(\.value)
    state.step += 1
    return .joined(updates.map(\.value))
  }

  /// Goes forward to keep the states, then back step by step.
  public func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    guard !weights.isEmpty, gradients.count > 1 else { return }
    demand(rule.inputs.isEmpty, "a rule that looks at more than gradients is unrolled step by step")
    let inputs = gradients.map { StepInput(gradient: $0, parameters: $0, loss: 0) }
    var states: [OptimizerState] = []
    var state = initial
    for input in inputs.dropLast() {
      states.append(state)
      _ = step(input, state: &state)
    }
    var stateAdjoint = zeroAdjoint(of: state)
    var adjoint = Tensor.zeros(gradients[0].shape)
    for index in states.indices.reversed() {
      adjoint = adjoint + gradients[index + 1].affine(scale: lossWeights[index + 1], offset: 0)
      _ = backwardStep(
        inputs[index], state: states[index], updateAdjoint: adjoint, stateAdjoint: &stateAdjoint,
        into: &weightGradient)
    }
  }

  /// Recomputes one step on a tape and differentiates it.
  public func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    tape.reset()
    defer { tape.reset() }
    let weights = self.weights.map { tape.variable($0.value) }
    // What is constant is not recorded: to the first order all that averages of gradients are made of.
    func recorded(_ tensors: [Tensor], unless isConstant: Bool) -> [Variable] {
      tensors.map { isConstant ? Variable($0) : tape.variable($0) }
    }
    let isConstant = input.isConstant
    let keepsState = isConstant && rule.stateFollowsGradientsAlone
    let seesParameters = rule.inputs.contains(.parameter)
    let gradients = recorded(input.gradient.parts(of: state.shapes), unless: isConstant)
    let parameters = recorded(input.parameters.parts(of: state.shapes), unless: !seesParameters)
    let loss = recorded([Tensor(input.loss)], unless: isConstant)
    let before = recorded(state.tensors, unless: keepsState)
    let (updates, after) = rule.update(
      Step(
        gradients: gradients, parameters: parameters, loss: loss[0], index: state.step,
        count: input.count),
      state: before, weights: weights)
    let seeds =
      updateAdjoint.parts(of: state.shapes) + (keepsState ? [] : stateAdjoint.tensors)
    let results = Autodiff.gradients(
      of: updates + (keepsState ? [] : after), seeds: seeds.map { Variable($0) },
      withRespectTo: (isConstant ? [] : gradients + loss) + (seesParameters ? parameters : [])
        + (keepsState ? [] : before) + weights
    ).map(\.value)
    var rest = results[...]
    func take(_ count: Int) -> [Tensor] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    let gradientAdjoint =
      isConstant ? Tensor.zeros(input.gradient.shape) : Tensor.joined(take(gradients.count))
    let lossAdjoint = isConstant ? 0 : take(1)[0].scalar
    let parameterAdjoint = seesParameters ? Tensor.joined(take(parameters.count)) : nil
    if !keepsState { stateAdjoint.tensors = take(before.count) }
    accumulate(rest, into: &weightGradient)
    return StepAdjoint(gradient: gradientAdjoint, parameters: parameterAdjoint, loss: lossAdjoint)
  }
}
