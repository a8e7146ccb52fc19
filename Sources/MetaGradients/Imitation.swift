internal import Layers
public import LearnedOptimizers
internal import Problems
public import Tensors
public import Unrolling

/// Backpropagation that in some windows learns from teachers instead of from losses (Chen et al.,
/// "Training stronger baselines for learning to optimize", 2020, https://arxiv.org/abs/2010.09089).
///
/// In a window that is imitated the optimizee goes where a teacher, new at the window's start, takes it;
/// the nets see the gradients there and lose, over the window's steps t and the n parameters that they
/// step,
///
///     sum over t of |d_t - teacher's d_t|^2 / (2 n)
///
/// The way does not depend on the nets' weights, so this derivative is exact, whatever the order of
/// `base`. Whether a window is imitated, and by whom, follows from the trajectory's key and the place in it.
public struct Imitation: MetaGradientEstimator {
  /// `imitation`.
  public static let name = "imitation"
  /// What finds the meta-gradients of all other windows.
  public let base: TruncatedBackpropagation
  /// The share of windows that are imitated.
  public let probability: Double
  /// Whom windows are taken from, each as often as any other; rules without weights.
  public let teachers: [any LearnedOptimizer]

  /// As published: Adam, RMSprop and Nesterov's momentum, at a rate of 0.01.
  public static let standardTeachers: [any LearnedOptimizer] = [
    Adam(learningRate: 0.01), RMSprop(learningRate: 0.01), NAG(learningRate: 0.01, momentum: 0.9),
  ]

  /// Another way to train for a share of the windows.
  ///
  /// - Precondition: a probability from 0 to 1, at least one teacher, and none with weights.
  public init(
    _ base: TruncatedBackpropagation, probability: Double,
    teachers: [any LearnedOptimizer] = Imitation.standardTeachers
  ) {
    precondition((0...1).contains(probability), "imitation with probability \(probability)")
    precondition(!teachers.isEmpty && teachers.allSatisfy { $0.weights.isEmpty }, "no teachers")
    self.base = base
    self.probability = probability
    self.teachers = teachers
  }

  /// As the base.
  public var isInStep: Bool { base.isInStep }

  /// As the base.
  public func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    base.start(key, in: setting, on: unroller)
  }

  /// One window, of the teacher's or of the nets' own.
  public func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    try base.estimate(&episode, weights: weights, in: setting, on: unroller) {
      (optimizee, position, steps) throws(Divergence) in
      guard let teacher = teacher(optimizee.key, position: position) else { return nil }
      return try imitated(&optimizee, steps: steps, teacher: teacher, on: unroller)
    }
  }

  private func teacher(_ key: OptimizeeKey, position: Int) -> (any LearnedOptimizer)? {
    var stream = RandomStream(
      seed: key.seed, purpose: .imitation, epoch: key.epoch, instance: key.instance, step: position)
    guard Double(stream.nextUniform()) < probability else { return nil }
    return teachers[stream.nextInteger(below: teachers.count)]
  }

  /// Walks `steps` steps with a teacher and differentiates what the nets' updates are away from its.
  ///
  /// Nets without weights step their parameters themselves.
  ///
  /// - Throws: `Divergence`; the optimizee is then useless.
  func imitated(
    _ optimizee: inout Optimizee, steps: Int, teacher: any LearnedOptimizer, on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    let layout = optimizee.layout
    let learners = unroller.engines.indices.filter { unroller.weightCounts[$0] > 0 }
    let count = learners.reduce(0) { $0 + layout.runs[$1].count }
    let guide = teacher.makeEngine()
    var guided = layout.shapes.map { guide.initialState(of: $0) }
    var losses: [Float] = []
    var taken: [ImitatedStep] = []
    var distance = 0.0
    for _ in 0..<steps {
      let (loss, gradient) = try unroller.lossAndGradient(&optimizee)
      losses.append(loss)
      var step = ImitatedStep(states: optimizee.states)
      step.inputs = unroller.engines.indices.map {
        unroller.input(ofNet: $0, optimizee, gradient, loss: loss)
      }
      let updates = unroller.engines.indices.map { net in
        let own = unroller.engines[net].step(step.inputs[net], state: &optimizee.states[net])
        guard learners.contains(net) else { return own }
        let shown = guide.step(step.inputs[net], state: &guided[net])
        step.away[net] = own - shown
        distance += (own - shown).dot(own - shown)
        return shown
      }
      for (net, update) in updates.enumerated() {
        layout.add(update, toRunOfNet: net, in: &optimizee.parameters)
      }
      taken.append(step)
    }
    losses.append(try unroller.finalLoss(&optimizee))
    var gradients = unroller.weightCounts.map { [Double](repeating: 0, count: $0) }
    for net in learners {
      let engine = unroller.engines[net]
      var stateAdjoint = engine.zeroAdjoint(of: optimizee.states[net])
      for step in taken.reversed() {
        guard let away = step.away[net] else { continue }
        var input = step.inputs[net]
        input.isConstant = true
        _ = engine.backwardStep(
          input, state: step.states[net],
          updateAdjoint: away.affine(scale: 1 / Float(count), offset: 0),
          stateAdjoint: &stateAdjoint, into: &gradients[net])
      }
    }
    return MetaGradient(
      losses: losses, gradients: gradients, metaLoss: distance / Double(2 * count))
  }
}

/// What one step of an imitated window is differentiated from.
private struct ImitatedStep {
  /// The nets' states before it.
  let states: [OptimizerState]
  /// What the nets were given.
  var inputs: [StepInput] = []
  /// The net's update less the teacher's, of nets with weights.
  var away: [Int: Tensor] = [:]

  init(states: [OptimizerState]) { self.states = states }
}
