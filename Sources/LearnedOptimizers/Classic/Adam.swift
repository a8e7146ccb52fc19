public import Autodiff
public import Layers
internal import Platform
public import Settings
public import Tensors

/// Adam (Kingma and Ba, 2014) behind the protocol of learned optimizers, as the reference's net.
///
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     update = -lr (m' / (1 - b1^t)) / (sqrt(v' / (1 - b2^t)) + epsilon)
///
/// with t = 1 at the first step. As in the reference, 1 - b is rounded to float32 once, but b^t before
/// the subtraction, which moves the first updates by up to 1e-5 of their size. Epsilon is added after
/// the bias correction, as in the paper; the optimizer of the meta-weights (`MetaOptimizer`) has
/// TensorFlow's form instead.
public struct Adam: RowwiseOptimizer {
  /// `Adam`.
  public static let name = "Adam"
  /// The constants.
  public let settings: AdamSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// The step size.
  public var learningRate: Float { settings.learningRate }
  var beta1: Double { settings.beta1 }
  var beta2: Double { settings.beta2 }
  var epsilon: Float { settings.epsilon }

  /// Adam with these constants.
  public init(_ settings: AdamSettings) { self.settings = settings }

  /// Adam with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Float = 1e-8
  ) {
    self.init(
      AdamSettings(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon))
  }

  /// learning_rate, beta1, beta2, epsilon.
  public var options: [String: JSONValue] { settings.json }

  /// m and v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1), Shape(vector: 1)] }

  /// The kernel.
  public func makeEngine() -> any OptimizerEngine { AdamEngine(self) }

  /// One step of Adam.
  public func update(rows gradient: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    func correction(_ beta: Double) -> Float {
      1 / (1 - Float(pow(Double(Float(beta)), Double(index + 1))))
    }
    let m = state[0] * Float(beta1) + gradient * Float(1 - beta1)
    let v = state[1] * Float(beta2) + gradient.squared() * Float(1 - beta2)
    let first = m * correction(beta1)
    let second = v * correction(beta2)
    return (first * -learningRate / (second.squareRoot() + epsilon), [m, v])
  }
}
