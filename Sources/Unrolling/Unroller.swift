internal import Autodiff
internal import Layers
public import LearnedOptimizers
internal import Problems
public import Tensors

/// Steps optimizees with an experiment's nets.
///
/// For t = 0, 1, ...: f_t = f(theta_t), g_t = df_t/dtheta_t, (d_t, s_{t+1}) = net(g_t, s_t),
/// theta_{t+1} = theta_t + d_t.
///
/// Holds the weights, the engines' scratch memory and a tape: one a thread.
public final class Unroller {
  /// What is unrolled.
  public let experiment: Experiment
  /// One engine a net.
  public let engines: [any OptimizerEngine]
  /// How many weights each net has.
  public let weightCounts: [Int]
  /// Whether a net looks at more than gradients.
  public let looksAtMore: Bool
  /// Where set, one a net, the histograms that every update is counted in.
  package var updates: [Histogram]?
  /// Asked before every gradient; once it says yes, what is under way is given up as if it diverged.
  package var givesUp: (() -> Bool)? {
    didSet { if givesUp != nil { hasGivenUp = false } }
  }
  /// Whether it said yes.
  package private(set) var hasGivenUp = false
  private let tape = Tape()
  private var memory = Tensor([0])
  // The last gradient found without a tape: its memory serves the next one, once nobody else has it.
  private var lastGradient = Tensor([0])

  /// An unroller; its nets have no weights before some are loaded.
  public init(_ experiment: Experiment) {
    self.experiment = experiment
    engines = experiment.nets.map { $0.optimizer.makeEngine() }
    weightCounts = experiment.nets.map { $0.optimizer.weightCount }
    looksAtMore = experiment.nets.contains { !$0.optimizer.inputs.isEmpty }
  }

  /// An unroller with these weights.
  public convenience init(_ experiment: Experiment, weights: [NamedTensors]) {
    self.init(experiment)
    load(weights)
  }

  /// Uses these weights from now on, one set a net.
  public func load(_ weights: [NamedTensors]) {
    for (engine, weights) in zip(engines, weights) { engine.load(weights) }
  }

  /// A new optimizee.
  ///
  /// - Parameter plannedSteps: what rules that look at progress are told.
  public func makeOptimizee(_ key: OptimizeeKey, plannedSteps: Int? = nil) -> Optimizee {
    Optimizee(key: key, experiment: experiment, engines: engines, plannedSteps: plannedSteps)
  }

  // MARK: - Forward

  /// Takes `steps` steps.
  ///
  /// - Parameter lossAtEnd: whether f_T is evaluated; else the losses are f_0 ... f_{T-1}, and the
  ///   position in the minibatch stream moves on as if it had been.
  /// - Returns: the losses.
  /// - Throws: `Divergence`; the optimizee is then useless.
  public func walk(
    _ optimizee: inout Optimizee, steps: Int, lossAtEnd: Bool = true
  ) throws(Divergence) -> [Float] {
    var losses: [Float] = []
    losses.reserveCapacity(steps + 1)
    for _ in 0..<steps { losses.append(try step(&optimizee)) }
    if lossAtEnd {
      losses.append(try finalLoss(&optimizee))
    } else {
      optimizee.evaluations += 1
    }
    return losses
  }

  /// Takes one step: the loss and its gradient at the optimizee's point, then the nets' updates.
  ///
  /// - Returns: the loss before the update.
  /// - Throws: `Divergence`; the optimizee is then useless.
  public func step(_ optimizee: inout Optimizee) throws(Divergence) -> Float {
    let (loss, gradient) = try lossAndGradient(&optimizee)
    advance(&optimizee, gradient, loss: loss)
    return loss
  }

  /// The loss at the optimizee's point, without a step; counts as an evaluation.
  ///
  /// - Throws: `Divergence` when it is not finite.
  public func finalLoss(_ optimizee: inout Optimizee) throws(Divergence) -> Float {
    let loss = record(optimizee, recorded: false).loss.value.scalar
    guard loss.isFinite else { throw diverged(optimizee, .loss) }
    optimizee.evaluations += 1
    return loss
  }

  // MARK: - For estimators of meta-gradients

  /// The loss and its gradient [layout.count] at the optimizee's point; counts as an evaluation.
  ///
  /// - Throws: `Divergence` when one is not finite; the optimizee is then useless.
  public func lossAndGradient(
    _ optimizee: inout Optimizee
  ) throws(Divergence) -> (loss: Float, gradient: Tensor) {
    if let givesUp, hasGivenUp || givesUp() {
      hasGivenUp = true
      throw diverged(optimizee, .loss)
    }
    if let (loss, gradient) = directly(optimizee) {
      guard loss.isFinite else { throw diverged(optimizee, .loss) }
      try check(gradient, optimizee)
      optimizee.evaluations += 1
      return (loss, gradient)
    }
    let (loss, parameters) = record(optimizee)
    let value = loss.value.scalar
    guard value.isFinite else { throw diverged(optimizee, .loss) }
    let gradients = gradient(of: loss, withRespectTo: parameters).map(\.value)
    // Views of the parameters must go before these are changed in place.
    tape.reset()
    let vector = optimizee.layout.vector(of: gradients)
    try check(vector, optimizee)
    optimizee.evaluations += 1
    return (value, vector)
  }

  /// The loss and its gradient without a tape, for problems that can.
  private func directly(_ optimizee: Optimizee) -> (loss: Float, gradient: Tensor)? {
    guard let problem = optimizee.directProblem else { return nil }
    var minibatch = optimizee.key.minibatch(evaluation: optimizee.evaluations)
    var loss: Float = 0
    lastGradient.overwrite(shape: Shape(vector: optimizee.layout.count)) { gradient in
      loss = optimizee.parameters.withUnsafeFloats {
        problem.lossAndGradient(
          at: $0, offsets: optimizee.layout.offsets, constants: optimizee.constants,
          minibatch: &minibatch, memory: &memory, into: gradient)
      }
    }
    return (loss, lastGradient)
  }

  private func check(_ gradient: Tensor, _ optimizee: Optimizee) throws(Divergence) {
    guard !gradient.isFinite else { return }
    let layout = optimizee.layout
    let culprit = layout.parameters.indices.first {
      !layout.value(of: $0, in: gradient).isFinite
    }
    let name = layout.parameters[culprit ?? 0].specification.name
    throw diverged(optimizee, .gradient(parameter: name))
  }

  /// Steps the optimizee by the nets' updates for a gradient at its point.
  public func advance(_ optimizee: inout Optimizee, _ gradient: Tensor, loss: Float) {
    for net in engines.indices {
      let start = optimizee.layout.runs[net].lowerBound
      guard updates != nil else {
        let run = optimizee.layout.run(ofNet: net, in: gradient)
        engines[net].apply(
          StepInput(
            gradient: run, parameters: run, loss: loss, count: optimizee.plannedSteps),
          state: &optimizee.states[net], to: &optimizee.parameters, at: start)
        continue
      }
      let input = input(ofNet: net, optimizee, gradient, loss: loss)
      let update = engines[net].step(input, state: &optimizee.states[net])
      updates?[net].add(update)
      optimizee.layout.add(update, toRunOfNet: net, in: &optimizee.parameters)
    }
  }

  /// What a net's engine is given for a step.
  public func input(
    ofNet net: Int, _ optimizee: Optimizee, _ gradient: Tensor, loss: Float
  ) -> StepInput {
    let run = optimizee.layout.run(ofNet: net, in: gradient)
    // A view of the parameters would have them copied when they are changed in place.
    let looks = experiment.nets[net].optimizer.inputs.contains(.parameter)
    return StepInput(
      gradient: run,
      parameters: looks ? optimizee.layout.run(ofNet: net, in: optimizee.parameters) : run,
      loss: loss, count: optimizee.plannedSteps)
  }

  /// The product of the loss's Hessian at the optimizee's point with a direction [layout.count], on
  /// the minibatch of its next evaluation.
  public func hessianProduct(_ optimizee: Optimizee, direction: [Tensor]) -> Tensor {
    let (loss, parameters) = record(optimizee)
    let product = hessianVectorProduct(of: loss, at: parameters, direction: direction).product
    tape.reset()
    return optimizee.layout.vector(of: product)
  }

  /// The loss at the optimizee's point on a fresh tape, and the parameters' variables.
  private func record(
    _ optimizee: Optimizee, recorded: Bool = true
  ) -> (loss: Variable, parameters: [Variable]) {
    tape.reset()
    let layout = optimizee.layout
    let parameters = layout.parameters.indices.map { position in
      let value = layout.value(of: position, in: optimizee.parameters)
      return recorded ? tape.variable(value) : Variable(value)
    }
    var minibatch = optimizee.key.minibatch(evaluation: optimizee.evaluations)
    let loss = optimizee.problem.loss(
      parameters: parameters, constants: optimizee.constants, minibatch: &minibatch)
    return (loss, parameters)
  }

  private func diverged(_ optimizee: Optimizee, _ quantity: Divergence.Quantity) -> Divergence {
    Divergence(key: optimizee.key, step: optimizee.evaluations, quantity: quantity)
  }

  // MARK: - Files

  /// The optimizee with its nets' states in the layout of files.
  public func exported(_ optimizee: Optimizee) -> Optimizee {
    var optimizee = optimizee
    for net in engines.indices {
      optimizee.states[net].tensors = engines[net].export(optimizee.states[net])
    }
    return optimizee
  }

  /// The inverse of `exported`.
  public func restored(_ optimizee: Optimizee) -> Optimizee {
    var optimizee = optimizee
    for net in engines.indices {
      let state = optimizee.states[net]
      optimizee.states[net] = engines[net].restore(
        state.tensors, step: state.step, shapes: optimizee.layout.shapes[net])
    }
    return optimizee
  }
}
