import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Settings
import Tensors
import Testing
import Unrolling

/// s <- A s + w sign, of 23 elements of which a weight drives the first ten up and all others down.
///
/// What w does at once to the first element, it raises it, is the opposite of what it does in the long
/// run: 2 w (10 - 13). (Tallec and Ollivier, "Unbiased online recurrent optimization", 2017; the
/// constants are those of Vicol et al., 2021.)
private enum InfluenceBalancing {
  static let count = 23

  struct Rule: TensorwiseOptimizer {
    static let name = "InfluenceBalancing"
    var options: [String: JSONValue] { [:] }
    let weights = [VariableSpecification("w", [1, 1], .constant(0.5))]
    var inputs: StepInputs { .parameter }
    func initialState(of shape: Shape) -> [Tensor] { [] }

    // A is 0.5 on the diagonal and above it.
    private static let a: Tensor = {
      var elements = [Float](repeating: 0, count: count * count)
      for row in 0..<count {
        elements[row * count + row] = 0.5
        if row + 1 < count { elements[row * count + row + 1] = 0.5 }
      }
      return Tensor(elements, shape: [count, count])
    }()
    private static let sign = Tensor(
      (0..<count).map { $0 < 10 ? 1 : -1 }, shape: [count, 1])

    func update(_ step: TensorStep, state: [Variable], weights: [Variable])
      -> (update: Variable, state: [Variable])
    {
      let s = step.parameter.reshaped(to: [count, 1])
      let moved =
        Variable.product(Variable(Self.a), s) + Variable.product(Variable(Self.sign), weights[0])
      return ((moved - s).reshaped(to: step.parameter.shape), [])
    }
  }

  struct Distance: Problem {
    let parameters = [VariableSpecification("s", [count], .constant(1))]

    func loss(
      parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
    ) -> Variable {
      (parameters[0].slice(axis: 0, from: 0, count: 1) + -1).squared().sum() * 0.5
    }
  }
}

@Suite("Influence balancing")
struct InfluenceBalancingTests {
  /// The weight after training by gradient descent from 0.5; the best is -1/6.
  ///
  /// Windows of two steps, because a window's losses stand before its steps: the second sees the first
  /// step.
  private func train(_ estimator: any MetaGradientEstimator) throws -> Float {
    let experiment = try Experiment(
      problem: InfluenceBalancing.Distance(),
      nets: [NetAssignment(key: "w", optimizer: InfluenceBalancing.Rule())])
    var options = TrainingOptions(problem: "influence")
    (options.stepCount, options.unrollLength, options.evaluationEpochs) = (200, 2, 0)
    (options.metaOptimizer, options.momentum, options.learningRate) = (.sgd, 0, 3e-4)
    (options.metaStepCount, options.optimizees) = (150, estimator.isInStep ? 1 : 64)
    // Two epochs of a hundred windows.
    options.epochCount = 2
    let trainer = MetaTrainer(
      experiment: experiment, options: options, estimator: estimator,
      state: MetaTrainer.initialState(of: experiment, options: options))
    #expect(try trainer.run() == .finished)
    return trainer.state.weights[0].tensors[0].scalar
  }

  @Test("truncated backpropagation goes the wrong way")
  func backpropagation() throws {
    #expect(try train(TruncatedBackpropagation()) > 0.51)
    #expect(try train(TruncatedBackpropagation(order: .second())) > 0.51)
  }

  @Test("truncated evolution strategies go the wrong way")
  func truncated() throws {
    #expect(try train(TruncatedEvolutionStrategies(sigma: 0.1)) > 0.51)
  }

  @Test("pes and nres go the right way")
  func persistent() throws {
    for reuse in [PersistentEvolutionStrategies.Reuse.window, .trajectory] {
      let weight = try train(PersistentEvolutionStrategies(sigma: 0.1, reuse: reuse))
      #expect(weight < 0.2 && weight > -0.5, "\(weight)")
    }
  }

  @Test("with backpropagation through the windows pes goes the right way too")
  func analytic() throws {
    let weight = try train(AnalyticPersistentEvolutionStrategies(sigma: 0.1))
    #expect(weight < 0.2 && weight > -0.5, "\(weight)")
  }
}
