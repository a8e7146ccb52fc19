public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon): matrices are stepped by their
/// momentum made orthogonal, all else by Adam.
///
/// As optax.contrib.muon has it: Nesterov's bias-corrected momentum (0.95), five iterations of Newton and
/// Schulz, times sqrt(max(1, columns / rows)) for weights [in, out]; vectors, scalars and filters of
/// convolutions by NAdam (0.9, 0.999) at the same learning rate. The decay is that of matrices.
public struct Muon: TensorwiseOptimizer {
  /// `Muon`.
  public static let name = "Muon"
  /// The constants.
  public let settings: MuonSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  /// Muon with these constants.
  public init(_ settings: MuonSettings) { self.settings = settings }

  /// Muon with the given constants.
  public init(
    learningRate: Float = 0.001, momentum: Double = 0.95, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0
  ) {
    var settings = MuonSettings()
    settings.adam = AdamSettings(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon)
    (settings.momentum, settings.weightDecay) = (momentum, weightDecay)
    self.init(settings)
  }

  /// learning_rate, momentum, beta1, beta2, epsilon and weight_decay.
  public var options: [String: JSONValue] { settings.json }

  /// Parameters, if they decay.
  public var inputs: StepInputs { settings.weightDecay == 0 ? [] : .parameter }

  /// The momentum of a matrix; m and v of all else.
  public func initialState(of shape: Shape) -> [Tensor] {
    shape.rank == 2 ? [.zeros(shape)] : [.zeros(shape), .zeros(shape)]
  }

  /// One step.
  public func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let adam = settings.adam.moments
    let (learningRate, weightDecay) = (settings.adam.learningRate, settings.weightDecay)
    let momentum = settings.momentum
    let gradient = step.gradient
    let shape = gradient.shape
    guard shape.rank == 2 else {
      let next = adam.next(gradient, state)
      let ahead = adam.lookedAhead(next[0], gradient, step.index)
      return (ahead / adam.root(next[1], step.index) * -learningRate, next)
    }
    let moments = AdamMoments(beta1: momentum, beta2: 0, epsilon: 0)
    let mean = state[0] * Float(momentum) + gradient * Float(1 - momentum)
    let direction = orthogonalized(moments.lookedAhead(mean, gradient, step.index))
    let width = max(1, Float(shape[1]) / Float(max(shape[0], 1)))
    var update = direction * (-learningRate * width.squareRoot())
    if weightDecay != 0 { update = update - step.parameter * (learningRate * weightDecay) }
    return (update, [mean])
  }
}
