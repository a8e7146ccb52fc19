package import LearnedOptimizers
package import Tensors

/// A rule and weights of it, for tests.
package struct Weighted<Rule: LearnedOptimizer> {
  /// The rule.
  package let rule: Rule
  /// Its weights.
  package var weights: NamedTensors

  /// A rule with given weights.
  package init(_ rule: Rule, weights: NamedTensors) {
    self.rule = rule
    self.weights = weights
  }

  /// A rule with weights drawn for tests.
  package init(_ rule: Rule, seed: UInt64) {
    var stream = RandomStream(seed: seed, purpose: .test)
    self.init(rule, weights: rule.initialWeights(&stream))
  }

  /// The same as files hold it.
  package var trained: TrainedOptimizer { TrainedOptimizer(rule, weights: weights) }

  /// An engine with the weights loaded.
  package func loaded<Engine: OptimizerEngine>(_ engine: Engine) -> Engine {
    engine.load(weights)
    return engine
  }

  /// The rule's own engine, with the weights loaded.
  package var engine: any OptimizerEngine {
    let engine = rule.makeEngine()
    engine.load(weights)
    return engine
  }
}

extension Tensor {
  /// The elements in their order as a vector.
  package var vector: Tensor { reshaped(to: Shape(vector: count)) }
}

extension OptimizerEngine {
  /// The state of one tensor before the first step.
  package func initialState(_ shape: Shape) -> OptimizerState { initialState(of: [shape]) }

  /// One step of one tensor, for rules that look at gradients alone: the update in its shape.
  package func step(_ gradient: Tensor, state: inout OptimizerState) -> Tensor {
    step(
      StepInput(gradient: gradient.vector, parameters: gradient.vector, loss: 0), state: &state
    ).reshaped(to: gradient.shape)
  }
}
