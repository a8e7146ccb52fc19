internal import Autodiff
internal import Layers
package import LearnedOptimizers
internal import Settings
internal import Tensors

extension LearnedOptimizer {
  /// The rule with every update multiplied by a schedule's factor.
  ///
  /// That is the rule with this learning rate at each step, for rules whose updates are proportional
  /// to it and whose state does not hold it: all here but Schedule-Free AdamW. Told no number of
  /// steps, the rate stays.
  package func scheduled(_ schedule: RateSchedule) -> any LearnedOptimizer {
    guard schedule != .constant else { return self }
    return ScheduledOptimizer(base: self, text: schedule.text, looksAtCount: true) {
      schedule.factor(step: $0, of: $1)
    }
  }

  /// The rule with every update multiplied by a factor that depends on the step alone.
  ///
  /// - Parameter text: what tells the factor from others, in options.
  func scaled(_ text: String, by factor: @escaping @Sendable (_ step: Int) -> Double)
    -> any LearnedOptimizer
  {
    ScheduledOptimizer(base: self, text: text, looksAtCount: false) { step, _ in factor(step) }
  }
}

/// A rule whose updates a schedule scales.
struct ScheduledOptimizer: LearnedOptimizer {
  static let name = "Scheduled"
  let base: any LearnedOptimizer
  let text: String
  let looksAtCount: Bool
  let scale: @Sendable (_ step: Int, _ count: Int?) -> Double

  var options: [String: JSONValue] {
    base.options.merging(["schedule": .string(text)]) { $1 }
  }
  var weights: [VariableSpecification] { base.weights }
  var inputs: StepInputs { looksAtCount ? base.inputs.union(.progress) : base.inputs }

  func requirement(unmetBy shape: Shape) -> String? { base.requirement(unmetBy: shape) }
  func initialState(of shapes: [Shape]) -> [Tensor] { base.initialState(of: shapes) }

  func factor(_ index: Int, _ count: Int?) -> Float { Float(scale(index, count)) }

  func update(_ step: Step, state: [Variable], weights: [Variable])
    -> (updates: [Variable], state: [Variable])
  {
    let (updates, next) = base.update(step, state: state, weights: weights)
    let factor = factor(step.index, step.count)
    return (updates.map { $0 * factor }, next)
  }

  func makeEngine() -> any OptimizerEngine { ScheduledEngine(self) }
}

/// The base's own engine, with its updates scaled: forward as fast as the base.
private final class ScheduledEngine: OptimizerEngine {
  private let rule: ScheduledOptimizer
  private let base: any OptimizerEngine
  /// For what goes backward.
  private let reference: TensorEngine

  init(_ rule: ScheduledOptimizer) {
    self.rule = rule
    base = rule.base.makeEngine()
    reference = TensorEngine(rule)
  }

  func load(_ weights: NamedTensors) {
    base.load(weights)
    reference.load(weights)
  }

  func initialState(of shapes: [Shape]) -> OptimizerState { base.initialState(of: shapes) }

  func step(_ input: StepInput, state: inout OptimizerState) -> Tensor {
    let factor = rule.factor(state.step, input.count)
    return base.step(input, state: &state).affine(scale: factor, offset: 0)
  }

  func backward(
    gradients: [Tensor], lossWeights: [Float], from initial: OptimizerState,
    into weightGradient: inout [Double]
  ) {
    reference.backward(
      gradients: gradients, lossWeights: lossWeights, from: exported(initial),
      into: &weightGradient)
  }

  func backwardStep(
    _ input: StepInput, state: OptimizerState, updateAdjoint: Tensor,
    stateAdjoint: inout OptimizerState, into weightGradient: inout [Double]
  ) -> StepAdjoint {
    reference.backwardStep(
      input, state: exported(state), updateAdjoint: updateAdjoint, stateAdjoint: &stateAdjoint,
      into: &weightGradient)
  }

  func zeroAdjoint(of state: OptimizerState) -> OptimizerState {
    reference.zeroAdjoint(of: exported(state))
  }

  func export(_ state: OptimizerState) -> [Tensor] { base.export(state) }

  func restore(_ tensors: [Tensor], step: Int, shapes: [Shape]) -> OptimizerState {
    base.restore(tensors, step: step, shapes: shapes)
  }

  private func exported(_ state: OptimizerState) -> OptimizerState {
    OptimizerState(tensors: base.export(state), step: state.step, shapes: state.shapes)
  }
}
