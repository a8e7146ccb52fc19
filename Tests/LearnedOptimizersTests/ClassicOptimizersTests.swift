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

  @Test("LAMB steps each tensor by its own length, and one of length 0 as Adam does")
  func lamb() {
    let rule = LAMB(learningRate: 0.1, beta1: 0.75, beta2: 0.875, epsilon: 1e-4, weightDecay: 0.2)
    let engine = rule.makeEngine()
    engine.load(NamedTensors())
    var state = engine.initialState(of: [[2], [2, 1]])
    // The second tensor is 0 at its first step.
    var parameters: [Double] = [3, -4, 0, 0]
    var (m, v) = ([0.0, 0, 0, 0], [0.0, 0, 0, 0])
    for (step, scale) in Self.gradients.dropLast().enumerated() {
      let gradient = [scale, 0.5, -scale, 1]
      let update = engine.step(
        StepInput(
          gradient: Tensor(gradient.map { Float($0) }),
          parameters: Tensor(parameters.map { Float($0) }), loss: 0),
        state: &state)
      var decay = (1.0, 1.0)
      for _ in 0...step { decay = (decay.0 * 0.75, decay.1 * 0.875) }
      for tensor in [0..<2, 2..<4] {
        var direction: [Double] = []
        for index in tensor {
          let g = gradient[index]
          m[index] = 0.75 * m[index] + 0.25 * g
          v[index] = 0.875 * v[index] + 0.125 * g * g
          direction.append(
            m[index] / (1 - decay.0) / ((v[index] / (1 - decay.1)).squareRoot() + 1e-4)
              + 0.2 * parameters[index])
        }
        func length(_ values: some Sequence<Double>) -> Double {
          values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let (own, wanted) = (length(parameters[tensor]), length(direction))
        let ratio = own > 0 && wanted > 0 ? own / wanted : 1
        for (index, part) in zip(tensor, direction) {
          let expected = -0.1 * ratio * part
          #expect(
            abs(Double(update.elements[index]) - expected) <= 2e-5 * abs(expected) + 1e-9,
            "step \(step)")
          parameters[index] = Double(Float(parameters[index]) + update.elements[index])
        }
      }
    }
  }
}
