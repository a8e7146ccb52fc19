public import Autodiff
internal import Foundation
public import Tensors

/// Adam (Kingma and Ba, 2014) behind the protocol of learned optimizers, as the reference's net.
///
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     update = -lr (m' / (1 - b1^t)) / (sqrt(v' / (1 - b2^t)) + epsilon)
///
/// with t = 1 at the first step. Here epsilon is added after the bias correction, as in the paper;
/// the optimizer of the meta-weights (`MetaAdam`) has TensorFlow's form instead.
public struct Adam: LearnedOptimizer {
  /// `Adam`.
  public static let name = "Adam"
  /// The step size.
  public let learningRate: Float
  /// Decay of the first moment.
  public let beta1: Float
  /// Decay of the second moment.
  public let beta2: Float
  /// Added to the root of the second moment.
  public let epsilon: Float
  /// None.
  public var weights = NamedTensors()

  /// Adam with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// learning_rate, beta1, beta2, epsilon.
  public var options: [String: JSONValue] {
    [
      "learning_rate": .number(Double(learningRate)), "beta1": .number(Double(beta1)),
      "beta2": .number(Double(beta2)), "epsilon": .number(Double(epsilon)),
    ]
  }

  /// m and v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1), Shape(vector: 1)] }

  /// One step of Adam.
  public func update(gradient: Variable, state: [Variable], step: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let t = Double(step + 1)
    let m = state[0] * beta1 + gradient * (1 - beta1)
    let v = state[1] * beta2 + gradient.squared() * (1 - beta2)
    let first = m * Float(1 / (1 - pow(Double(beta1), t)))
    let second = v * Float(1 / (1 - pow(Double(beta2), t)))
    return (first * -learningRate / (second.squareRoot() + epsilon), [m, v])
  }
}
