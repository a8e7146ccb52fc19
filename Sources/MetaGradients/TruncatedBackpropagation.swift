internal import Layers
internal import LearnedOptimizers
internal import Problems
public import Tensors
public import Unrolling

/// Truncated backpropagation through unrolled optimization (Andrychowicz et al., 2016, section 2).
///
/// For t = 0 ..< T: f_t = f(theta_t), g_t = df_t/dtheta_t, (d_t, s_{t+1}) = net(g_t, s_t),
/// theta_{t+1} = theta_t + d_t; then f_T = f(theta_T). The meta-loss is f_0 + ... + f_T, or another
/// `MetaLoss`; no gradient flows into theta_0 and s_0.
///
/// With dL/dtheta_t called lambda_t and dL/df_t called w_t (1 for the sum): lambda_T = w_T g_T and
/// dL/dd_t = lambda_{t+1}. Where g_t counts as a constant input of the net (first order),
/// lambda_t = lambda_{t+1} + w_t g_t needs no graph: the engine gets g_0 ... g_T and the state at the
/// start, and recomputes the rest block by block. Nets that look at parameters add what flows back
/// through these, step by step. With second derivatives lambda_t = lambda_{t+1} + w_t g_t + H_t a_t,
/// where a_t is the adjoint of the net's input and H_t a_t one Hessian-vector product on the same
/// minibatch; a net that looks at the loss adds its adjoint times g_t. This stores theta_t and s_t too.
public struct TruncatedBackpropagation: MetaGradientEstimator {
  /// Through what derivatives flow back.
  public enum Order: Equatable, Sendable {
    /// Gradients and losses are constants of the net.
    case first
    /// Gradients and losses are functions of the parameters.
    ///
    /// - Parameters:
    ///   - limit: how many times longer a parameter's part of lambda_t may be than without second
    ///     derivatives; longer parts are shortened. nil for no limit.
    ///   - smoothing: over what width, in root mean squares of a parameter's gradient, the derivative
    ///     of an update is taken: slopes at smaller gradients are scaled down as if they were of that
    ///     size. nil for the derivative itself.
    case second(limit: Double? = nil, smoothing: Double? = nil)
  }

  /// `backprop`.
  public static let name = "backprop"
  /// Through what derivatives flow back.
  public let order: Order

  /// Backpropagation to an order of derivatives.
  public init(order: Order = .first) { self.order = order }

  /// All optimizees of an epoch start and end together.
  public var isInStep: Bool { true }

  /// One walker.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    let optimizee = setting.optimizee(key, on: unroller)
    return Episode(walkers: [optimizee], length: optimizee.plannedSteps ?? setting.window)
  }

  /// Unrolls one window and goes back through it; the trajectory goes on from where it ends, and a
  /// new one starts when fewer steps than a window are left.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    try estimate(&episode, weights: weights, in: setting, on: unroller) { _, _, _ in nil }
  }

  /// The same, with windows that are estimated in another way: `otherwise` gets the optimizee, the
  /// steps before the window and those in it, and gives nil for all that are not.
  func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller,
    otherwise: (inout Optimizee, Int, Int) throws(Divergence) -> MetaGradient?
  ) throws(Divergence) -> MetaGradient {
    if episode.position > 0, episode.position + setting.window > episode.length {
      let key = episode.key
      episode = start(
        OptimizeeKey(
          seed: key.seed, phase: key.phase, epoch: key.epoch + 1, instance: key.instance),
        in: setting, on: unroller)
    }
    unroller.load(weights)
    let steps = min(setting.window, episode.length)
    var result: MetaGradient
    if let other = try otherwise(&episode.walkers[0], episode.position, steps) {
      result = other
    } else {
      result = try unrolled(
        &episode.walkers[0], steps: steps, metaLoss: setting.metaLoss, on: unroller,
        normalizes: unroller.experiment.tasks.count > 1 && setting.metaLoss.normalizes)
    }
    episode.position += steps
    if episode.position + setting.window > episode.length {
      result.finalLosses = [result.finalLoss]
    }
    return result
  }

  /// Unrolls `steps` steps of an optimizee under the unroller's weights and differentiates.
  ///
  /// - Parameter normalizes: whether losses are first put on the scale that all tasks share.
  /// - Throws: `Divergence`; the optimizee is then useless.
  public func unrolled(
    _ optimizee: inout Optimizee, steps: Int, metaLoss: MetaLoss, on unroller: Unroller,
    normalizes: Bool = false
  ) throws(Divergence) -> MetaGradient {
    let problem = optimizee.problem
    let family = unroller.experiment.task(of: optimizee.key).family
    func normalized(_ loss: Float) -> Float {
      normalizes ? Float(family.normalized(Double(loss), of: problem)) : loss
    }
    var result = try unrolled(
      &optimizee, steps: steps,
      lossWeights: { losses in
        let weights = metaLoss.weights(losses.map(normalized))
        return normalizes
          ? zip(weights, losses).map { $0 * family.slope(at: $1, of: problem) } : weights
      }, on: unroller)
    result.metaLoss = metaLoss.value(result.losses.map(normalized))
    return result
  }

  /// The same with derivatives of the meta-loss by the losses from elsewhere; the meta-loss is left
  /// at 0.
  package func unrolled(
    _ optimizee: inout Optimizee, steps: Int, lossWeights weigh: ([Float]) -> [Float],
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    let start = optimizee
    let goesStepByStep = order != .first || unroller.looksAtMore
    var losses: [Float] = []
    var gradients: [Tensor] = []
    losses.reserveCapacity(steps + 1)
    gradients.reserveCapacity(steps + 1)
    var points: [Optimizee] = []
    for step in 0...steps {
      if goesStepByStep && step < steps { points.append(optimizee) }
      let (loss, gradient) = try unroller.lossAndGradient(&optimizee)
      losses.append(loss)
      gradients.append(gradient)
      if step < steps { unroller.advance(&optimizee, gradient, loss: loss) }
    }
    var metaGradients = unroller.weightCounts.map { [Double](repeating: 0, count: $0) }
    let lossWeights = weigh(losses)
    if goesStepByStep {
      backward(
        points, gradients, losses, lossWeights: lossWeights, on: unroller, into: &metaGradients)
    } else {
      for net in unroller.engines.indices where unroller.weightCounts[net] > 0 {
        unroller.engines[net].backward(
          gradients: gradients.map { start.layout.run(ofNet: net, in: $0) },
          lossWeights: lossWeights, from: start.states[net], into: &metaGradients[net])
      }
    }
    for net in metaGradients.indices where !metaGradients[net].allSatisfy(\.isFinite) {
      throw Divergence(
        key: optimizee.key, step: optimizee.evaluations - 1,
        quantity: .metaGradient(net: unroller.experiment.nets[net].key))
    }
    return MetaGradient(losses: losses, gradients: metaGradients, metaLoss: 0)
  }

  // MARK: - Step by step

  private func backward(
    _ points: [Optimizee], _ gradients: [Tensor], _ losses: [Float], lossWeights: [Float],
    on unroller: Unroller, into metaGradients: inout [[Double]]
  ) {
    let engines = unroller.engines
    let layout = points[0].layout
    let adjoints = zip(gradients, lossWeights).map { $0.affine(scale: $1, offset: 0) }
    var lambda = adjoints[adjoints.count - 1]
    // What lambda would be to the first order.
    var firstOrder = lambda
    var stateAdjoints = engines.indices.map { engines[$0].zeroAdjoint(of: points[0].states[$0]) }
    for step in points.indices.reversed() {
      let point = points[step]
      // The adjoints of the nets' inputs; parameters that no net steps have none.
      var gradientAdjoint = Tensor.zeros(lambda.shape)
      var parameterAdjoint: Tensor?
      var lossAdjoint: Float = 0
      for net in engines.indices {
        var input = unroller.input(ofNet: net, point, gradients[step], loss: losses[step])
        input.isConstant = order == .first
        let adjoint = engines[net].backwardStep(
          input, state: point.states[net], updateAdjoint: layout.run(ofNet: net, in: lambda),
          stateAdjoint: &stateAdjoints[net], into: &metaGradients[net])
        if order != .first {
          layout.add(adjoint.gradient, toRunOfNet: net, in: &gradientAdjoint)
        }
        if let part = adjoint.parameters {
          var sum = parameterAdjoint ?? Tensor.zeros(lambda.shape)
          layout.add(part, toRunOfNet: net, in: &sum)
          parameterAdjoint = sum
        }
        lossAdjoint += adjoint.loss
      }
      // Nothing flows back beyond theta_0.
      if step == 0 { break }
      guard case .second(let limit, let smoothing) = order else {
        lambda = lambda + adjoints[step]
        if let parameterAdjoint { lambda = lambda + parameterAdjoint }
        continue
      }
      let direction = layout.parameters.indices.map { parameter in
        let part = layout.value(of: parameter, in: gradientAdjoint)
        guard let smoothing else { return part }
        return smoothed(
          part, at: layout.value(of: parameter, in: gradients[step]), over: smoothing)
      }
      lambda = lambda + adjoints[step] + unroller.hessianProduct(point, direction: direction)
      if let parameterAdjoint { lambda = lambda + parameterAdjoint }
      if lossAdjoint != 0 {
        lambda = lambda + gradients[step].affine(scale: lossAdjoint, offset: 0)
      }
      if let limit {
        firstOrder = firstOrder + adjoints[step]
        shorten(&lambda, to: limit, times: firstOrder, in: layout)
      }
    }
  }

  /// A parameter's input adjoint with the entries scaled down whose gradient is less than `width`
  /// times the parameter's root mean square: by the ratio of the two.
  private func smoothed(_ adjoint: Tensor, at gradient: Tensor, over width: Double) -> Tensor {
    let count = gradient.count
    let floor = Float(width * gradient.length / Double(count).squareRoot())
    return Tensor(uninitialized: adjoint.shape) { out in
      adjoint.withUnsafeFloats { adjoint in
        gradient.withUnsafeFloats { gradient in
          for i in 0..<count {
            let size = abs(gradient[i])
            out[i] = size < floor ? adjoint[i] * (size / floor) : adjoint[i]
          }
        }
      }
    }
  }

  /// Shortens each parameter's part of a vector to `limit` times that part of the other's length.
  private func shorten(
    _ vector: inout Tensor, to limit: Double, times other: Tensor, in layout: ParameterLayout
  ) {
    let parts = layout.parameters.indices.map { parameter in
      let part = layout.value(of: parameter, in: vector)
      let longest = limit * layout.value(of: parameter, in: other).length
      let length = part.length
      return length > longest ? part.affine(scale: Float(longest / length), offset: 0) : part
    }
    vector = layout.vector(of: parts)
  }
}

extension Tensor {
  fileprivate var length: Double { dot(self).squareRoot() }
}

extension ProblemFamily {
  /// The derivative of a member's normalized loss, by a central difference: it is piecewise linear.
  fileprivate func slope(at loss: Float, of member: any Problem) -> Float {
    let step = 1e-4 * max(abs(Double(loss)), 1)
    let rise =
      normalized(Double(loss) + step, of: member) - normalized(Double(loss) - step, of: member)
    return Float(rise / (2 * step))
  }
}
