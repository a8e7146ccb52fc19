internal import Autodiff
internal import Layers
internal import Settings
internal import Tensors

/// The computation of a `PerceptronDescription` with variables: what the fused kernels are tested
/// against, and where meta-gradients by backpropagation come from.
public struct PerceptronCore: Sendable {
  let description: PerceptronDescription

  init(description: PerceptronDescription) { self.description = description }

  init(_ description: PerceptronDescription, _ settings: PerceptronSettings) {
    var description = description
    description.stepMultiplier = settings.stepMultiplier
    description.expMultiplier = settings.expMultiplier
    self.description = description
  }

  /// layers, step_mult and exp_mult.
  var options: [String: JSONValue] {
    var settings = PerceptronSettings(hidden: description.hidden)
    settings.stepMultiplier = description.stepMultiplier
    settings.expMultiplier = description.expMultiplier
    return settings.json
  }

  /// The layers' weights and, where decays are learned, their offsets.
  ///
  /// Drawn as truncated normal numbers of deviation 1/sqrt(fan in), biases 0.
  func weights(prefix: String = "") -> [VariableSpecification] {
    var inputs = description.inputCount
    var result: [VariableSpecification] = []
    for (layer, size) in (description.hidden + [description.outputs]).enumerated() {
      result.append(
        VariableSpecification(
          "\(prefix)w\(layer)", [inputs, size],
          .truncatedNormal(standardDeviation: 1 / Float(inputs).squareRoot())))
      result.append(VariableSpecification("\(prefix)b\(layer)", [size], .zeros))
      inputs = size
    }
    guard description.learnsDecays else { return result }
    for (name, decays) in [
      ("momentum_decays", description.momentumDecays), ("rms_decays", description.rmsDecays),
      ("adafactor_decays", description.factoredDecays),
    ] {
      result.append(VariableSpecification("\(prefix)\(name)", [decays.count], .zeros))
    }
    return result
  }

  /// One step of a tensor: the perceptron's outputs [elements, outputs] and the next state.
  func outputs(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (outputs: Variable, state: [Variable])
  {
    let shape: Shape = step.gradient.shape.rank == 0 ? [1] : step.gradient.shape
    var g = step.gradient.reshaped(to: shape)
    if description.gradientLimit.isFinite {
      g = g.clamped(low: -description.gradientLimit, high: description.gradientLimit)
    }
    let p = step.parameter.reshaped(to: shape)
    let decays = decays(weights)
    let accumulated = Accumulated(
      g, state: state, decays: decays, description: description)
    // Features as rows, joined without moving elements one by one.
    var rows: [Variable] = []
    let axes = description.normalizesLastTwoAxes ? min(2, shape.rank) : shape.rank
    for feature in description.features {
      if description.vectorsStopAtRow, shape.rank < 2,
        feature.rawValue >= PerceptronDescription.Feature.row.rawValue
      {
        break
      }
      rows += accumulated.values(of: feature, g, p).map {
        normalized($0, lastAxes: axes, epsilon: description.normalizationEpsilon)
          .reshaped(to: Shape(rows: 1, columns: shape.count))
      }
    }
    if description.hasTime {
      for scale in PerceptronDescription.timeScales {
        let value = Tensor(Float(Double(step.index) / scale - 1)).tanh().scalar
        rows.append(
          Variable(Tensor(repeating: value, shape: Shape(rows: 1, columns: shape.count))))
      }
    }
    let features = Variable.concatenated(rows, axis: 0)
    let w = weights[0]
    let used =
      rows.count < w.shape[0] ? w.slice(axis: 0, from: 0, count: rows.count) : w
    var x =
      Variable.product(features, used, transposeA: true, kernel: .small) + weights[1]
    for layer in 1...description.hidden.count {
      x = x.relu().dense(w: weights[2 * layer], b: weights[2 * layer + 1])
    }
    return (x, accumulated.state)
  }

  /// The head: what is subtracted from the tensor, before any learning rate.
  func direction(_ outputs: Variable, parameter: Variable) -> Variable {
    func output(_ index: Int) -> Variable {
      outputs.slice(axis: 1, from: index, count: 1).reshaped(to: parameter.shape)
    }
    switch description.head {
    case .direct: return output(0)
    case .exponential:
      return output(0) * (output(1) * description.expMultiplier).exp()
        * description.stepMultiplier
    case .exponentialOfRMS:
      let rms = (parameter.squared().mean() + 1e-9).squareRoot()
      return output(0) * (output(1) * description.expMultiplier).exp()
        * description.stepMultiplier * rms
    }
  }

  /// A direction of one size over its last two axes, or of one that goes with how far gradients agree.
  ///
  /// - Parameter state: the accumulators after the step.
  func sized(_ direction: Variable, state: [Variable], _ index: Int, _ graft: Float) -> Variable {
    let shape = direction.shape
    let step = normalized(direction, lastAxes: min(2, shape.rank), epsilon: 1e-9)
    return graft == 0 ? step : step * agreement(state, shape: shape, index, graft)
  }

  /// How far the gradients of a tensor agree from step to step, to the power of `graft`, over the last
  /// two axes: the norm of their mean over the root of the mean of their squares.
  ///
  /// What Adam's steps shrink by where gradients are mostly noise, for a direction of another rule
  /// (Agarwal et al., "Disentangling adaptive gradient methods from learning rates", 2020,
  /// https://arxiv.org/abs/2002.11803, graft whole steps: a power of 1).
  private func agreement(_ state: [Variable], shape: Shape, _ index: Int, _ graft: Float)
    -> Variable
  {
    let own = shape.rank == 0 ? [1] : shape
    let axes = min(2, own.rank)
    let m = state[0].slice(axis: 0, from: 0, count: 1).reshaped(to: own)
    let v = state[1].slice(axis: 0, from: 0, count: 1).reshaped(to: own)
    let squares = mean(m.squared(), lastAxes: axes) + 1e-30
    let seconds = mean(v, lastAxes: axes) + 1e-30
    let correction = description.agreementCorrection(step: index, graft)
    let agreement = ((squares.log() - seconds.log()) * (graft / 2)).exp() * correction
    return shape.rank == 0 ? agreement.reshaped(to: .scalar) : agreement
  }

  /// The decays of m, v and the factored moments, each a scalar.
  private func decays(_ weights: [Variable]) -> [[Variable]] {
    let given = [
      description.momentumDecays, description.rmsDecays, description.factoredDecays,
    ]
    guard description.learnsDecays else { return given.map { $0.map { Variable(Float($0)) } } }
    let first = 2 * (description.hidden.count + 1)
    return given.enumerated().map { kind, decays in
      decays.indices.map { index in
        let offset = weights[first + kind].slice(axis: 0, from: index, count: 1)
          .reshaped(to: .scalar)
        // 1 - exp(10 (ln(1 - d) / 10 + offset)).
        let rate = (offset * 10 + Float(naturalLogarithm(1 - decays[index]))).exp()
        let decay = rate * -1 + 1
        return kind == 0 ? decay : decay.clamped(low: 0, high: 1)
      }
    }
  }
}

/// A tensor's accumulators after a step.
private struct Accumulated {
  private let momentum: [Variable]
  private let rms: [Variable]
  private let rsqrtRMS: [Variable]
  private let row: [Variable]
  private let column: [Variable]
  private let factor: [Variable]
  private let shape: Shape
  private let vectorEpsilon: Float
  let state: [Variable]

  init(
    _ g: Variable, state: [Variable], decays: [[Variable]], description: PerceptronDescription
  ) {
    let shape = g.shape
    var rest = state[...]
    var next: [Variable] = []
    func moved(_ value: Variable, by decays: [Variable], to kept: Shape) -> [Variable] {
      guard !decays.isEmpty, let old = rest.popFirst() else { return [] }
      let parts = decays.enumerated().map { index, decay in
        old.slice(axis: 0, from: index, count: 1).reshaped(to: kept) * decay
          + value * (decay * -1 + 1)
      }
      let stacked = parts.map { $0.reshaped(to: Shape([1] + old.shape.dimensions.dropFirst())) }
      next.append(stacked.dropFirst().reduce(stacked[0]) { $0.concatenated(with: $1, axis: 0) })
      return parts
    }
    momentum = moved(g, by: decays[0], to: shape)
    rms = moved(g.squared(), by: decays[1], to: shape)
    rsqrtRMS = rms.map { rsqrt($0 + description.rmsEpsilon) }
    let q = g.squared() + 1e-30
    if shape.rank >= 2 {
      let (largest, second) = PerceptronDescription.factoredAxes(of: shape)
      let rows = moved(
        mean(q, over: largest), by: decays[2], to: shape.replacing(axis: largest, with: 1))
      let columns = moved(
        mean(q, over: second), by: decays[2], to: shape.replacing(axis: second, with: 1))
      factor = zip(rows, columns).map { r, c in
        let relative = r / (mean(r, over: second) + 1e-9)
        return rsqrt(relative.clamped(low: 1e-9, high: .infinity))
          * rsqrt(c.clamped(low: 1e-9, high: .infinity))
      }
      row = rows
      column = columns
    } else {
      let u = moved(q, by: decays[2], to: shape)
      factor = u.map { rsqrt(($0 + 1e-9).clamped(low: 1e-9, high: .infinity)) }
      row = u
      column = u
    }
    self.shape = shape
    vectorEpsilon = description.vectorEpsilon
    self.state = next
  }

  /// The features of a group, each of the tensor's shape.
  func values(of feature: PerceptronDescription.Feature, _ g: Variable, _ p: Variable)
    -> [Variable]
  {
    switch feature {
    case .gradient: [g]
    case .clippedGradient: [g.clamped(low: -0.1, high: 0.1)]
    case .parameter: [p]
    case .momentum: momentum
    case .rms: rms
    case .momentumOverRMS: momentum.map { $0 * rsqrtRMS[0] }
    case .rsqrtRMS: rsqrtRMS
    case .factoredGradient: factor.map { g * $0 }
    case .gradientOverRMS: rsqrtRMS.map { g * $0 }
    case .row: row.map { $0.broadcast(to: shape) }
    case .column: column.map { $0.broadcast(to: shape) }
    case .rsqrtRow: row.map { rsqrt($0 + 1e-8).broadcast(to: shape) }
    case .rsqrtColumn: column.map { rsqrt($0 + 1e-8).broadcast(to: shape) }
    case .factoredMomentum:
      shape.rank >= 2
        ? zip(momentum, factor).map { $0 * $1 }
        : zip(momentum, row).map { $0 * rsqrt($1 + vectorEpsilon) }
    }
  }
}

/// 1 / sqrt(x).
func rsqrt(_ x: Variable) -> Variable { Variable(1) / x.squareRoot() }

/// The mean over one axis, which stays with extent 1.
private func mean(_ x: Variable, over axis: Int) -> Variable {
  x.sum(to: x.shape.replacing(axis: axis, with: 1)) * (1 / Float(x.shape[axis]))
}

/// The mean over the last axes, which stay with extent 1.
private func mean(_ x: Variable, lastAxes count: Int) -> Variable {
  var reduced = x.shape
  var elements = 1
  for axis in x.shape.rank - count..<x.shape.rank {
    elements *= x.shape[axis]
    reduced = reduced.replacing(axis: axis, with: 1)
  }
  return x.sum(to: reduced) * (1 / Float(max(elements, 1)))
}

/// x rsqrt(epsilon + mean x^2), the mean over the last axes.
func normalized(_ x: Variable, lastAxes count: Int, epsilon: Float) -> Variable {
  x * rsqrt(mean(x.squared(), lastAxes: count) + epsilon)
}

/// Makes matrices nearly orthogonal by five Newton-Schulz iterations (Jordan et al., "Muon", 2024).
///
/// - Parameter x: a tensor of rank 2 or more; its last two axes are matrices.
func orthogonalized(_ x: Variable) -> Variable {
  let shape = x.shape
  let (rows, columns) = (shape[-2], shape[-1])
  let batch = shape.count / max(rows * columns, 1)
  guard shape.count > 0 else { return x }
  var x = x.reshaped(to: [batch, rows, columns])
  let transposes = rows > columns
  if transposes { x = x.transposed([0, 2, 1]) }
  let norm = x.squared().sum(to: [batch, 1, 1]).squareRoot()
  x = x / (norm + 1e-8)
  for _ in 0..<5 {
    let a = Variable.product(x, x, transposeB: true, kernel: .small)
    let b = a * -4.7750 + Variable.product(a, a, kernel: .small) * 2.0315
    x = x * 3.4445 + Variable.product(b, x, kernel: .small)
  }
  if transposes { x = x.transposed([0, 2, 1]) }
  return x.reshaped(to: shape)
}
