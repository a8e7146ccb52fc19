internal import Autodiff
public import Experiments
internal import Layers
public import LearnedOptimizers
internal import Problems
public import Tensors

/// What one unroll of one optimizee yields.
public struct UnrollOutcome: Sendable {
  /// The losses from f_0 to f_T.
  public let losses: [Float]
  /// For each net, d meta-loss / d weights, one number an element in the weights' order; empty when
  /// not asked for.
  public private(set) var metaGradients: [[Double]]
  /// The Euclidean norm of the meta-gradient of all nets together, before any shortening.
  public let gradientNorm: Double

  /// The meta-loss: the sum of all T + 1 losses unless another one was asked for.
  public let metaLoss: Double
  /// f_T.
  public var finalLoss: Float { losses[losses.count - 1] }

  init(losses: [Float], metaGradients: [[Double]], metaLoss: Double) {
    self.losses = losses
    self.metaGradients = metaGradients
    self.metaLoss = metaLoss
    gradientNorm = metaGradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// The same with a meta-gradient of this norm at most.
  func shortened(to limit: Double) -> UnrollOutcome {
    guard gradientNorm > limit else { return self }
    var outcome = self
    outcome.metaGradients = metaGradients.map { $0.map { $0 * (limit / gradientNorm) } }
    return outcome
  }
}

extension Tensor {
  fileprivate var length: Double { dot(self).squareRoot() }
}

/// Unrolls optimizees and differentiates through the unroll, as truncated backpropagation.
///
/// For t = 0 ..< T: f_t = f(theta_t), g_t = df_t/dtheta_t, (d_t, s_{t+1}) = net(g_t, s_t),
/// theta_{t+1} = theta_t + d_t; then f_T = f(theta_T). The meta-loss is f_0 + ... + f_T, or another
/// `MetaLoss`; no gradient flows into theta_0 and s_0.
///
/// With dL/dtheta_t called lambda_t and dL/df_t called w_t (1 for the sum): lambda_T = w_T g_T and
/// dL/dd_t = lambda_{t+1}. Where g_t counts as a constant input of the net (first order),
/// lambda_t = lambda_{t+1} + w_t g_t needs no graph: the engine gets g_0 ... g_T and the state at the
/// start, and recomputes the rest block by block. With second derivatives lambda_t = lambda_{t+1} +
/// w_t g_t + H_t a_t, where a_t is the adjoint of the net's input and H_t a_t one Hessian-vector
/// product on the same minibatch; this stores theta_t and s_t too.
///
/// Holds the engines' scratch memory and a tape: one a thread.
public final class Unroller {
  /// What is unrolled; its nets' weights are those last loaded.
  public let experiment: Experiment
  /// One engine a net.
  public let engines: [any OptimizerEngine]
  /// Where set, one a net, the histograms that every update is counted in.
  var updates: [Histogram]?
  private let tape = Tape()
  private let weightCounts: [Int]

  /// An unroller with the experiment's present weights.
  public init(_ experiment: Experiment) {
    self.experiment = experiment
    engines = experiment.nets.map { $0.optimizer.makeEngine() }
    weightCounts = experiment.nets.map { $0.optimizer.weights.elementCount }
  }

  /// Uses other weights from now on, one set a net.
  public func load(_ weights: [NamedTensors]) {
    for (engine, weights) in zip(engines, weights) { engine.load(weights) }
  }

  /// A new optimizee.
  public func makeInstance(_ key: InstanceKey) -> OptimizeeInstance {
    OptimizeeInstance(key: key, experiment: experiment, engines: engines)
  }

  /// Unrolls `steps` steps forward without meta-gradients.
  ///
  /// - Parameter lossAtEnd: whether f_T is evaluated; else the losses are f_0 ... f_{T-1}, and the
  ///   position in the minibatch stream moves on as if it had been.
  /// - Throws: `Divergence`; the instance is then useless.
  public func forward(
    _ instance: inout OptimizeeInstance, steps: Int, lossAtEnd: Bool = true
  ) throws(Divergence) -> UnrollOutcome {
    var losses: [Float] = []
    losses.reserveCapacity(steps + 1)
    for _ in 0..<steps { losses.append(try step(&instance)) }
    if lossAtEnd {
      losses.append(try finalLoss(&instance))
    } else {
      instance.evaluations += 1
    }
    return UnrollOutcome(
      losses: losses, metaGradients: [], metaLoss: MetaLoss.sum.value(losses))
  }

  /// Unrolls `steps` steps and computes the meta-gradient.
  ///
  /// - Parameters:
  ///   - adjointLimit: with second derivatives, how many times longer a parameter's part of lambda_t
  ///     may be than without them; longer parts are shortened. nil for no limit.
  ///   - adjointSmoothing: see `TrainingOptions.adjointSmoothing`.
  /// - Throws: `Divergence`; the instance is then useless.
  public func unroll(
    _ instance: inout OptimizeeInstance, steps: Int, secondDerivatives: Bool,
    metaLoss: MetaLoss = .sum, adjointLimit: Double? = nil, adjointSmoothing: Double? = nil
  ) throws(Divergence) -> UnrollOutcome {
    let start = instance
    var losses: [Float] = []
    var gradients: [Tensor] = []
    losses.reserveCapacity(steps + 1)
    gradients.reserveCapacity(steps + 1)
    var points: [OptimizeeInstance] = []
    for step in 0...steps {
      if secondDerivatives && step < steps { points.append(instance) }
      let (loss, gradient) = try lossAndGradient(&instance)
      losses.append(loss)
      gradients.append(gradient)
      if step < steps { advance(&instance, gradient) }
    }
    var metaGradients = weightCounts.map { [Double](repeating: 0, count: $0) }
    let lossWeights = metaLoss.weights(losses)
    if secondDerivatives {
      let weighted = zip(gradients, lossWeights).map { $0.affine(scale: $1, offset: 0) }
      backward(
        points, gradients, adjoints: weighted, limit: adjointLimit,
        smoothing: adjointSmoothing, into: &metaGradients)
    } else {
      for net in engines.indices where weightCounts[net] > 0 {
        engines[net].backward(
          gradients: gradients.map { experiment.rows(ofNet: net, in: $0) },
          lossWeights: lossWeights, from: start.states[net], into: &metaGradients[net])
      }
    }
    for net in engines.indices where !metaGradients[net].allSatisfy(\.isFinite) {
      throw Divergence(
        key: instance.key, step: instance.evaluations - 1,
        quantity: .metaGradient(net: experiment.nets[net].key))
    }
    return UnrollOutcome(
      losses: losses, metaGradients: metaGradients, metaLoss: metaLoss.value(losses))
  }

  // MARK: - One step

  /// Takes one step: the loss and its gradient at the instance's point, then the nets' updates.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: `Divergence`; the instance is then useless.
  public func step(_ instance: inout OptimizeeInstance) throws(Divergence) -> Float {
    let (loss, gradient) = try lossAndGradient(&instance)
    advance(&instance, gradient)
    return loss
  }

  private func advance(_ instance: inout OptimizeeInstance, _ gradient: Tensor) {
    for net in engines.indices {
      let update = engines[net].step(
        experiment.rows(ofNet: net, in: gradient), state: &instance.states[net])
      updates?[net].add(update)
      experiment.add(update, ofNet: net, to: &instance.parameters)
    }
  }

  /// The loss at the instance's point on a fresh tape, and the parameters' variables.
  private func record(
    _ instance: OptimizeeInstance, recorded: Bool = true
  ) -> (loss: Variable, parameters: [Variable]) {
    tape.reset()
    let parameters = experiment.parameters.indices.map { position in
      let value = experiment.value(of: position, in: instance.parameters)
      return recorded ? tape.variable(value) : Variable(value)
    }
    var minibatch = instance.key.minibatch(evaluation: instance.evaluations)
    let loss = experiment.problem.loss(
      parameters: parameters, constants: instance.constants, minibatch: &minibatch)
    return (loss, parameters)
  }

  /// The loss at the instance's point, without a step; counts as an evaluation.
  ///
  /// - Throws: `Divergence` when it is not finite.
  public func finalLoss(_ instance: inout OptimizeeInstance) throws(Divergence) -> Float {
    let loss = record(instance, recorded: false).loss.value.scalar
    guard loss.isFinite else { throw diverged(instance, .loss) }
    instance.evaluations += 1
    return loss
  }

  private func lossAndGradient(
    _ instance: inout OptimizeeInstance
  ) throws(Divergence) -> (Float, Tensor) {
    let (loss, parameters) = record(instance)
    let value = loss.value.scalar
    guard value.isFinite else { throw diverged(instance, .loss) }
    let gradients = gradient(of: loss, withRespectTo: parameters).map(\.value)
    // Views of the parameters must go before these are changed in place.
    tape.reset()
    let vector = experiment.vector(of: gradients)
    guard vector.isFinite else {
      let culprit = gradients.firstIndex { !$0.isFinite } ?? 0
      let name = experiment.parameters[culprit].specification.name
      throw diverged(instance, .gradient(parameter: name))
    }
    instance.evaluations += 1
    return (value, vector)
  }

  private func diverged(
    _ instance: OptimizeeInstance, _ quantity: Divergence.Quantity
  ) -> Divergence {
    Divergence(key: instance.key, step: instance.evaluations, quantity: quantity)
  }

  // MARK: - Second derivatives

  private func backward(
    _ points: [OptimizeeInstance], _ gradients: [Tensor], adjoints: [Tensor], limit: Double?,
    smoothing: Double?, into metaGradients: inout [[Double]]
  ) {
    var lambda = adjoints[adjoints.count - 1]
    // What lambda would be to the first order.
    var firstOrder = lambda
    var stateAdjoints = experiment.initialStates(engines)
    for step in points.indices.reversed() {
      let point = points[step]
      // The adjoint of the nets' inputs; parameters that no net steps have none.
      var inputAdjoint = Tensor.zeros(lambda.shape)
      for net in engines.indices {
        let adjoint = engines[net].backwardStep(
          gradient: experiment.rows(ofNet: net, in: gradients[step]), state: point.states[net],
          updateAdjoint: experiment.rows(ofNet: net, in: lambda),
          stateAdjoint: &stateAdjoints[net], into: &metaGradients[net])
        experiment.add(adjoint, ofNet: net, to: &inputAdjoint)
      }
      // Nothing flows back beyond theta_0.
      if step == 0 { break }
      let (loss, parameters) = record(point)
      let direction = experiment.parameters.indices.map { parameter in
        let part = experiment.value(of: parameter, in: inputAdjoint)
        guard let smoothing else { return part }
        return smoothed(
          part, at: experiment.value(of: parameter, in: gradients[step]), over: smoothing)
      }
      let product = hessianVectorProduct(of: loss, at: parameters, direction: direction).product
      tape.reset()
      lambda = lambda + adjoints[step] + experiment.vector(of: product)
      if let limit {
        firstOrder = firstOrder + adjoints[step]
        shorten(&lambda, to: limit, times: firstOrder)
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
  private func shorten(_ vector: inout Tensor, to limit: Double, times other: Tensor) {
    let parts = experiment.parameters.indices.map { parameter in
      let part = experiment.value(of: parameter, in: vector)
      let longest = limit * experiment.value(of: parameter, in: other).length
      let length = part.length
      return length > longest ? part.affine(scale: Float(longest / length), offset: 0) : part
    }
    vector = experiment.vector(of: parts)
  }
}
