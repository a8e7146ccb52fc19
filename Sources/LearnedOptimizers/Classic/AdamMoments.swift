internal import Autodiff
internal import Platform
internal import Tensors

/// The moments of Adam and of what descends from it, bias-corrected as optax does.
struct AdamMoments: Sendable {
  let beta1: Double
  let beta2: Double
  let epsilon: Float

  /// m and v after one more gradient.
  func next(_ gradient: Variable, _ state: [Variable]) -> [Variable] {
    [
      state[0] * Float(beta1) + gradient * Float(1 - beta1),
      state[1] * Float(beta2) + gradient.squared() * Float(1 - beta2),
    ]
  }

  /// 1 - beta^t for the step of this index, t = index + 1.
  func unforgotten(_ beta: Double, _ index: Int) -> Double { 1 - pow(beta, Double(index + 1)) }

  /// m without its bias to 0.
  func mean(_ m: Variable, _ index: Int) -> Variable {
    m * Float(1 / unforgotten(beta1, index))
  }

  /// The root of v without its bias to 0, plus epsilon.
  func root(_ v: Variable, _ index: Int) -> Variable {
    (v * Float(1 / unforgotten(beta2, index))).squareRoot() + epsilon
  }

  /// Nesterov's mean: what m would become with the same gradient once more.
  func lookedAhead(_ m: Variable, _ gradient: Variable, _ index: Int) -> Variable {
    m * Float(beta1 / unforgotten(beta1, index + 1))
      + gradient * Float((1 - beta1) / unforgotten(beta1, index))
  }
}
