public import Autodiff
public import Layers
public import Settings
public import Tensors

/// A perceptron whose step sizes an LSTM sets, tensor by tensor.
///
/// Celo (Moudgil et al., "Learning versatile optimizers on a compute diet", 2025, arXiv 2501.12670): a
/// perceptron on features of each parameter, whose step is as large as the tensor times a scalar that
/// an LSTM sets for each tensor from progress and the course of the loss. 37,089 weights.
///
/// step = rms(p) o_0 exp(exp_mult o_1) step_mult times 0.1 exp(linear(h)); p <- p - step.
///
/// The LSTM (64 units, Haiku's gate order i g f o, forget + 1) sees tanh(10 (t/T - tau)) for nine tau and
/// nine features of the loss, mixed between tensors as linear_2(x) + max over tensors of
/// relu(linear_1(x)); the published weights hold a first mixing layer (`mix_0`) and controls that are
/// computed and thrown away: they stay in the file.
///
/// Needs the loss and the number of steps; an unknown number counts as 10,000.
public struct Celo: PerceptronOptimizer {
  /// `Celo`.
  public static let name = "Celo"
  static let units = 64
  static let fractions: [Float] = [0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1, 1.1]
  static let halfLives = 10
  static let unknownCount = 10_000
  let core: PerceptronCore

  /// The rule with these options.
  public init(_ settings: PerceptronSettings) {
    core = PerceptronCore(.celo(hidden: settings.hidden), settings)
  }

  /// The rule with two hidden layers of 4.
  public init() { self.init(PerceptronSettings()) }

  /// layers, step_mult and exp_mult.
  public var options: [String: JSONValue] { core.options }

  /// The perceptron's weights, those of the LSTM and of what lies around it.
  ///
  /// `mlp/w0` to `mlp/b2`, `lstm/w` [128, 256], `lstm/b`, `lstm/initial_hidden`, `lstm/initial_cell`,
  /// `mix_0/w` to `mix_2/b`, `controls/w`, `controls/b`, `step_size/w`, `step_size/b`.
  public var weights: [VariableSpecification] {
    func layer(_ name: String, _ inputs: Int, _ outputs: Int) -> [VariableSpecification] {
      [
        VariableSpecification(
          "\(name)/w", [inputs, outputs],
          .truncatedNormal(standardDeviation: 1 / Float(inputs).squareRoot())),
        VariableSpecification("\(name)/b", [outputs], .zeros),
      ]
    }
    let units = Self.units
    let inputs = Self.fractions.count + Self.halfLives - 1
    return core.weights(prefix: "mlp/") + layer("lstm", 2 * units, 4 * units)
      + [
        VariableSpecification("lstm/initial_hidden", [1, units], .zeros),
        VariableSpecification("lstm/initial_cell", [1, units], .zeros),
      ] + (0..<3).flatMap { layer("mix_\($0)", inputs, units) } + layer("controls", units, 1)
      + layer("step_size", units, 1)
  }

  /// Parameters, loss and progress.
  public var inputs: StepInputs { [.parameter, .loss, .progress] }

  /// The LSTM's state follows from its weights.
  public var stateFollowsGradientsAlone: Bool { false }

  /// The tensors' accumulators, then h and c [tensors, 64], and the means of the loss and their minima
  /// [10].
  public func initialState(of shapes: [Shape]) -> [Tensor] {
    shapes.flatMap { core.description.stateShapes(of: $0) }.map { .zeros($0) } + [
      .zeros([shapes.count, Self.units]), .zeros([shapes.count, Self.units]),
      .zeros([Self.halfLives]), Tensor(repeating: 1e12, shape: [Self.halfLives]),
    ]
  }

  /// One step of all tensors.
  public func update(_ step: Step, state: [Variable], weights: [Variable])
    -> (updates: [Variable], state: [Variable])
  {
    let first = 2 * (core.description.hidden.count + 1)
    let shared = Array(state.suffix(4))
    let (scalars, next) = scalars(
      step, state: shared, weights: Array(weights.dropFirst(first)))
    var rest = state[...]
    var updates: [Variable] = []
    var states: [Variable] = []
    for position in step.gradients.indices {
      let tensor = step.tensor(position)
      let count = core.description.stateShapes(of: tensor.gradient.shape).count
      let (outputs, after) = core.outputs(
        tensor, state: Array(rest.prefix(count)), weights: weights)
      rest = rest.dropFirst(count)
      states += after
      let scalar = scalars.slice(axis: 0, from: position, count: 1).reshaped(to: .scalar)
      updates.append(core.direction(outputs, parameter: tensor.parameter) * scalar * -1)
    }
    return (updates, states + next)
  }

  // MARK: - One scalar a tensor

  func makeScheduler() -> CeloScheduler? { CeloScheduler() }

  /// The tensors' scalars [tensors, 1], and the next h, c, means and minima.
  private func scalars(_ step: Step, state: [Variable], weights: [Variable])
    -> (Variable, [Variable])
  {
    let tensors = step.gradients.count
    let total = Double(step.count ?? Self.unknownCount)
    let (features, means, minima) = lossFeatures(
      step.loss.reshaped(to: .scalar), means: state[2], minima: state[3], index: step.index,
      total: total)
    let time = Variable(
      Tensor(Self.fractions.map { Self.progress(index: step.index, total: total, fraction: $0) }))
    let seen = time.concatenated(with: features, axis: 0)
    let x = seen.reshaped(to: Shape(rows: 1, columns: seen.shape[0]))
      .broadcast(to: Shape(rows: tensors, columns: seen.shape[0]))
    // All tensors see the same, so that the maximum over them is what each has.
    let mixed =
      linear(x, w: weights[8], b: weights[9])
      + linear(x, w: weights[6], b: weights[7]).relu()
    let isFirst = step.index == 0
    let h = isFirst ? weights[2].broadcast(to: state[0].shape) : state[0]
    let c = isFirst ? weights[3].broadcast(to: state[1].shape) : state[1]
    let gates = linear(mixed.concatenated(with: h, axis: 1), w: weights[0], b: weights[1])
    func gate(_ index: Int) -> Variable {
      gates.slice(axis: 1, from: index * Self.units, count: Self.units)
    }
    let cell = (gate(2) + 1).sigmoid() * c + gate(0).sigmoid() * gate(1).tanh()
    let hidden = gate(3).sigmoid() * cell.tanh()
    let scalars = linear(hidden, w: weights[12], b: weights[13]).exp() * 0.1
    return (scalars, [hidden, cell, means, minima])
  }

  /// tanh(10 (t / T - tau)).
  static func progress(index: Int, total: Double, fraction: Float) -> Float {
    Float(hyperbolicTangent((Double(index) / total - Double(fraction)) * 10))
  }

  /// The decays of the loss's means: half-lives from 10 to T steps.
  static func decays(total: Double) -> [Double] {
    (0..<halfLives).map { k in
      let exponent = 1 + (decimalLogarithm(total) - 1) * Double(k) / Double(halfLives - 1)
      return exponential(-1 / power(10, exponent))
    }
  }

  /// Nine features of the course of the loss, the next means and their minima.
  ///
  /// Ten exponential means with half-lives from 10 to T steps; the loss is cut off at twice the
  /// largest of them.
  private func lossFeatures(
    _ loss: Variable, means: Variable, minima: Variable, index: Int, total: Double
  ) -> (features: Variable, means: Variable, minima: Variable) {
    let count = Self.halfLives
    let decays = Self.decays(total: total)
    func corrections(_ steps: Int) -> Variable {
      Variable(Tensor(decays.map { Float(1 / (1 - power($0, Double(steps)))) }))
    }
    let old = index == 0 ? loss : maximum(means * corrections(index + 1))
    let limited = minimum(loss, old.absolute() * 2)
    let next =
      means * Variable(Tensor(decays.map { Float($0) }))
      + limited.broadcast(to: [count]) * Variable(Tensor(decays.map { Float(1 - $0) }))
    let corrected = next * corrections(index + 1)
    let lowest = minimum(minima, corrected)
    guard index + 1 > 2 else {
      return (Variable(.zeros([count - 1])), next, lowest)
    }
    func head(_ x: Variable) -> Variable { x.slice(axis: 0, from: 0, count: count - 1) }
    let above = corrected.slice(axis: 0, from: 1, count: count - 1) - head(lowest)
    let ratio = (head(corrected) - head(lowest)) / above.clamped(low: 1e-8, high: .infinity)
    return ((ratio + -1).clamped(low: -1, high: 1), next, lowest)
  }

  /// The smaller of each pair.
  private func minimum(_ a: Variable, _ b: Variable) -> Variable {
    let b = b.broadcast(to: a.shape)
    // 1 where a is the smaller one. A difference would lose what is small beside the first minima.
    let isFirst = Tensor(
      zip(a.value.elements, b.value.elements).map { $0 <= $1 ? 1 : 0 }, shape: a.shape)
    return a * Variable(isFirst) + b * Variable(isFirst.affine(scale: -1, offset: 1))
  }

  /// The largest element, a scalar.
  private func maximum(_ x: Variable) -> Variable {
    let elements = x.value.elements
    let place = elements.firstIndex(of: elements.max() ?? 0) ?? 0
    return x.slice(axis: 0, from: place, count: 1).reshaped(to: .scalar)
  }
}
