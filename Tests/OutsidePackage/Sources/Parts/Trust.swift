import LearningToLearn

/// Steps each tensor along its momentum, as far as the tensor is long: a learned cousin of LARS (You,
/// Gitman, Ginsburg, "Large batch training of convolutional networks", 2017).
///
/// With the momentum m' = d m + (1 - d) g and the root mean squares r of m' and s of the parameter, both
/// over the tensor, the step is -rate m' / r, rate = learning_rate exp(w . [ln r, ln s, 1] / 4).
package struct Trust: TensorwiseOptimizer {
  package static let name = "Trust"

  package struct Options: Configurable {
    package var decay: Float = 0.9
    var learningRate: Float = 0.05
    package init() {}
    package static let settings = [
      Setting("decay", \Options.decay, in: .atLeast(0, below: 1), "the momentum's decay"),
      Setting("learning_rate", \Options.learningRate, in: .above(0), "the factor of all rates"),
    ]
  }

  let settings: Options
  package var options: [String: JSONValue] { settings.json }

  package init(_ settings: Options) { self.settings = settings }

  package var weights: [VariableSpecification] {
    [VariableSpecification("w", [3], .truncatedNormal(standardDeviation: 0.1))]
  }

  package var inputs: StepInputs { .parameter }

  package func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape)] }

  package func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let momentum = state[0] * settings.decay + step.gradient * (1 - settings.decay)
    let length = size(momentum)
    let features = [length.log(), size(step.parameter).log(), Variable(Tensor([1]))]
      .map { $0.reshaped(to: [1]) }
    let seen = features[0].concatenated(with: features[1], axis: 0)
      .concatenated(with: features[2], axis: 0)
    let rate = ((seen * weights[0]).sum() * 0.25).exp() * settings.learningRate
    return (momentum / length * rate * -1, [momentum])
  }

  /// The root mean square over the tensor, above 0.
  private func size(_ tensor: Variable) -> Variable {
    (tensor.squared().sum() * (1 / Float(max(tensor.shape.count, 1))) + 1e-8).squareRoot()
  }
}

extension OptimizerEntry {
  package static let trust = OptimizerEntry(
    Trust.name, "momentum as long as the tensor, at a learned rate"
  ) { Trust($0) }
}
