public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101).
///
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     update = -lr (m' / (1 - b1^t) / (sqrt(v' / (1 - b2^t)) + epsilon) + decay p)
///
/// with t = 1 at the first step, as optax has it.
public struct AdamW: TensorwiseOptimizer {
  /// `AdamW`.
  public static let name = "AdamW"
  let moments: AdamMoments
  /// The step size.
  public let learningRate: Float
  /// The weight of the parameter itself.
  public let weightDecay: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// AdamW with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8,
    weightDecay: Float = 1e-4
  ) {
    moments = AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] {
    moments.options.merging([
      "learning_rate": .float(learningRate), "weight_decay": .float(weightDecay),
    ]) { $1 }
  }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// m and v.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let next = moments.next(step.gradient, state)
    let direction = moments.mean(next[0], step.index) / moments.root(next[1], step.index)
    return ((direction + step.parameter * weightDecay) * -learningRate, next)
  }
}

/// AdamW with Nesterov's momentum (Dozat, "Incorporating Nesterov momentum into Adam", 2016).
///
/// As `AdamW`, with b1 m' / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t) in place of m' / (1 - b1^t).
public struct NAdamW: TensorwiseOptimizer {
  /// `NAdamW`.
  public static let name = "NAdamW"
  let moments: AdamMoments
  /// The step size.
  public let learningRate: Float
  /// The weight of the parameter itself.
  public let weightDecay: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// NAdamW with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8,
    weightDecay: Float = 1e-4
  ) {
    moments = AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }

  /// learning_rate, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] {
    moments.options.merging([
      "learning_rate": .float(learningRate), "weight_decay": .float(weightDecay),
    ]) { $1 }
  }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// m and v.
  public func initialState(of shape: Shape) -> [Tensor] { [.zeros(shape), .zeros(shape)] }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let next = moments.next(step.gradient, state)
    let ahead = moments.lookedAhead(next[0], step.gradient, step.index)
    let direction = ahead / moments.root(next[1], step.index)
    return ((direction + step.parameter * weightDecay) * -learningRate, next)
  }
}

/// Rectified Adam (Liu et al., 2020, https://arxiv.org/abs/1908.03265): as long as the second moment's
/// variance is not known, the bias-corrected mean alone, then Adam with a factor that grows to 1.
///
///     rho_max = 2 / (1 - b2) - 1,  rho = rho_max - 2 t b2^t / (1 - b2^t)
///     factor = sqrt((rho - 4) (rho - 2) rho_max / ((rho_max - 4) (rho_max - 2) rho)) from rho = 5 on
public struct RAdam: RowwiseOptimizer {
  /// `RAdam`.
  public static let name = "RAdam"
  let moments: AdamMoments
  /// The step size.
  public let learningRate: Float
  /// None.
  public var weights: [VariableSpecification] { [] }

  private static let threshold = 5.0

  /// RAdam with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8
  ) {
    moments = AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.learningRate = learningRate
  }

  /// learning_rate, beta1, beta2 and epsilon.
  public var options: [String: JSONValue] {
    moments.options.merging(["learning_rate": .float(learningRate)]) { $1 }
  }

  /// m and v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1), Shape(vector: 1)] }

  /// One step.
  public func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let next = moments.next(rows, state)
    let mean = moments.mean(next[0], index)
    let most = 2 / (1 - moments.beta2) - 1
    let forgotten = 1 - moments.unforgotten(moments.beta2, index)
    let rho = most - 2 * Double(index + 1) * forgotten / (1 - forgotten)
    guard rho >= Self.threshold else { return (mean * -learningRate, next) }
    let square = (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)
    let factor = Float(square.squareRoot())
    return (mean / moments.root(next[1], index) * (-learningRate * factor), next)
  }
}
