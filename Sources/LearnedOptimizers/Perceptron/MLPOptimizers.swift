public import Autodiff
public import Layers
public import Settings
public import Tensors

/// A perceptron on gradient, parameter, six momenta and time (Metz et al., "Understanding and
/// correcting pathologies in the training of learned optimizers", 2018, arXiv 1810.10180): 1,762 weights.
///
/// step = o_0 exp(exp_mult o_1) step_mult, p <- p - step.
public struct MLPLOpt: PlainPerceptron, PerceptronOptimizer {
  /// `MLPLOpt`.
  public static let name = "MLPLOpt"
  /// What it computes.
  public let core: PerceptronCore

  /// The rule with these options.
  public init(_ settings: MLPLOptSettings) {
    core = PerceptronCore(.mlp(hidden: settings.perceptron.hidden), settings.perceptron)
  }

  /// The rule.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    hidden: [Int] = [32, 32], stepMultiplier: Float = 0.001, expMultiplier: Float = 0.001
  ) {
    var settings = MLPLOptSettings()
    settings.perceptron.hidden = hidden
    settings.perceptron.stepMultiplier = stepMultiplier
    settings.perceptron.expMultiplier = expMultiplier
    self.init(settings)
  }
}

/// A small perceptron on Adafactor-like features, with learned decays (Metz et al., "Practical
/// tradeoffs between memory, compute, and performance in learned optimizers", 2022, arXiv 2203.11860:
/// "small_fc"): 197 weights, 2,409 with hidden sizes of 32.
///
/// step = o_0 exp(exp_mult o_1) step_mult, p <- p - step. Decays are 1 - exp(10 (ln(1 - d) / 10 + offset))
/// with offsets among the weights: `momentum_decays`, `rms_decays` and `adafactor_decays`.
public struct AdafacMLPLOpt: PlainPerceptron, PerceptronOptimizer {
  /// `AdafacMLPLOpt`.
  public static let name = "AdafacMLPLOpt"
  /// What it computes.
  public let core: PerceptronCore

  /// The rule with these options.
  public init(_ settings: PerceptronSettings) {
    core = PerceptronCore(.adafac(hidden: settings.hidden), settings)
  }

  /// The rule.
  ///
  /// - Parameter hidden: sizes of the perceptron's hidden layers.
  public init(
    hidden: [Int] = [4, 4], stepMultiplier: Float = 0.001, expMultiplier: Float = 0.001
  ) {
    var settings = PerceptronSettings(hidden: hidden)
    (settings.stepMultiplier, settings.expMultiplier) = (stepMultiplier, expMultiplier)
    self.init(settings)
  }
}

/// A rule that steps each tensor by what one perceptron says, and nothing else.
public protocol PlainPerceptron: TensorwiseOptimizer {
  /// What it computes.
  var core: PerceptronCore { get }
}

extension PlainPerceptron {
  /// layers, step_mult and exp_mult.
  public var options: [String: JSONValue] { core.options }

  /// `w0`, `b0`, `w1`, ..., then offsets of decays where they are learned.
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
