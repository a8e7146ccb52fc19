import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// The classic rules against their formulas, number by number in double precision.
@Suite("Classic optimizers")
struct ClassicOptimizersTests {
  static let gradients: [Double] = [1, -0.5, 0.25, 0, 3, -1e-3, 2, 2, 1e4]

  /// Compares the updates with those of a rule with two numbers of state.
  private func check(
    _ optimizer: any LearnedOptimizer,
    _ rule: (_ g: Double, _ state: inout (Double, Double), _ t: Int) -> Double
  ) {
    let engine = optimizer.makeEngine()
    var state = engine.initialState([1])
    var truth = (0.0, 0.0)
    for (step, g) in Self.gradients.enumerated() {
      let update = engine.step(Tensor([Float(g)]), state: &state).scalar
      let expected = rule(g, &truth, step + 1)
      // A few float32 operations a step on the state, which forgets.
      #expect(abs(Double(update) - expected) <= 1e-5 * abs(expected), "step \(step)")
      #expect(state.step == step + 1)
    }
  }

  @Test("gradient descent")
  func sgd() { check(Sgd(learningRate: 0.1)) { g, _, _ in -0.1 * g } }

  @Test("momentum")
  func momentum() {
    check(Momentum(learningRate: 0.1, momentum: 0.8)) { g, state, _ in
      state.0 = 0.8 * state.0 + g
      return -0.1 * state.0
    }
  }

  @Test("Nesterov's accelerated gradient")
  func nag() {
    check(NAG(learningRate: 0.1, momentum: 0.8)) { g, state, _ in
      state.0 = 0.8 * state.0 + g
      return -0.1 * (g + 0.8 * state.0)
    }
  }

  @Test("RMSprop")
  func rmsprop() {
    check(RMSprop(learningRate: 0.1, decay: 0.8, epsilon: 1e-4)) { g, state, _ in
      state.0 = 0.8 * state.0 + (1 - 0.8) * g * g
      return -0.1 * g / (state.0.squareRoot() + 1e-4)
    }
  }

  @Test("Adam")
  func adam() {
    check(Adam(learningRate: 0.1, beta1: 0.75, beta2: 0.875, epsilon: 1e-4)) { g, state, t in
      state = (0.75 * state.0 + 0.25 * g, 0.875 * state.1 + 0.125 * g * g)
      var decay = (1.0, 1.0)
      for _ in 0..<t { decay = (decay.0 * 0.75, decay.1 * 0.875) }
      return -0.1 * (state.0 / (1 - decay.0))
        / ((state.1 / (1 - decay.1)).squareRoot() + 1e-4)
    }
  }

  @Test("Adagrad")
  func adagrad() {
    check(Adagrad(learningRate: 0.1, epsilon: 1e-4)) { g, state, _ in
      state.0 += g * g
      return -0.1 * g / (state.0.squareRoot() + 1e-4)
    }
  }
}
