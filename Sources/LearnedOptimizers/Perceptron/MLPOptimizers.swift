public import Autodiff
public import Layers
public import Settings
public import Tensors

/// A perceptron on gradient, parameter, six momenta and time (Metz et al., "Understanding and
/// correcting pathologies in the training of learned optimizers", 2018, arXiv 1810.10180): 1,762 weights.
///
/// step = o_0 exp(exp_mult o_1) step_mult, p <- p - step.
public struct MLPLOpt: TensorwiseOptimizer, PerceptronOptimizer {
  /// `MLPLOpt`.
  public static let name = "MLPLOpt"
  let core: PerceptronCore

  /// The rule.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    hidden: [Int] = [32, 32], stepMultiplier: Float = 0.001, expMultiplier: Float = 0.001
  ) {
    var description = PerceptronDescription.mlp(hidden: hidden)
    description.stepMultiplier = stepMultiplier
    description.expMultiplier = expMultiplier
    core = PerceptronCore(description: description)
  }

  /// layers, step_mult and exp_mult.
  public var options: [String: JSONValue] { core.options }

  /// `w0`, `b0`, `w1`, `b1`, `w2`, `b2`.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// The momenta.
  public func initialState(of shape: Shape) -> [Tensor] {
    core.description.stateShapes(of: shape).map { .zeros($0) }
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let (outputs, next) = core.outputs(step, state: state, weights: weights)
    return (core.direction(outputs, parameter: step.parameter) * -1, next)
  }
}

/// A small perceptron on Adafactor-like features, with learned decays (Metz et al., "Practical
/// tradeoffs between memory, compute, and performance in learned optimizers", 2022, arXiv 2203.11860:
/// "small_fc"): 197 weights, 2,409 with hidden sizes of 32.
///
/// step = o_0 exp(exp_mult o_1) step_mult, p <- p - step. Decays are 1 - exp(10 (ln(1 - d) / 10 + offset))
/// with offsets among the weights.
public struct AdafacMLPLOpt: TensorwiseOptimizer, PerceptronOptimizer {
  /// `AdafacMLPLOpt`.
  public static let name = "AdafacMLPLOpt"
  let core: PerceptronCore

  /// The rule.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    hidden: [Int] = [4, 4], stepMultiplier: Float = 0.001, expMultiplier: Float = 0.001
  ) {
    var description = PerceptronDescription.adafac(hidden: hidden)
    description.stepMultiplier = stepMultiplier
    description.expMultiplier = expMultiplier
    core = PerceptronCore(description: description)
  }

  /// layers, step_mult and exp_mult.
  public var options: [String: JSONValue] { core.options }

  /// `w0`, `b0`, ..., then `momentum_decays`, `rms_decays` and `adafactor_decays`, the offsets.
  public var weights: [VariableSpecification] { core.weights() }

  /// Parameters.
  public var inputs: StepInputs { .parameter }

  /// The accumulators.
  public func initialState(of shape: Shape) -> [Tensor] {
    core.description.stateShapes(of: shape).map { .zeros($0) }
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let (outputs, next) = core.outputs(step, state: state, weights: weights)
    return (core.direction(outputs, parameter: step.parameter) * -1, next)
  }
}

extension PerceptronCore {
  /// layers, step_mult and exp_mult.
  var options: [String: JSONValue] {
    [
      "layers": .array(description.hidden.map { .number(Double($0)) }),
      "step_mult": .float(description.stepMultiplier),
      "exp_mult": .float(description.expMultiplier),
    ]
  }
}
