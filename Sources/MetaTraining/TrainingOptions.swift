public import MetaGradients
internal import Platform

/// Everything that a run's numbers follow from, and its periods.
public struct TrainingOptions: Equatable, Sendable {
  /// The problem's name.
  public var problem: String
  /// The problem's options, as given.
  public var problemOptions: [String: String]
  /// Options that replace those of the default nets, as given.
  public var netOptions: [String: String]
  /// When to end.
  public var epochCount = 10_000
  /// Epochs between log lines.
  public var logPeriod = 100
  /// Epochs between evaluations.
  public var evaluationPeriod = 1_000
  /// Epochs of one evaluation.
  public var evaluationEpochs = 20
  /// Steps of an epoch, or of a trajectory.
  public var horizon = Horizon(100)
  /// The longest epoch or trajectory.
  public var stepCount: Int {
    get { horizon.longest }
    set { horizon = Horizon(newValue) }
  }
  /// Steps of an unroll.
  public var unrollLength = 20
  /// The learning rate of the nets' weights.
  public var learningRate: Float = 0.001
  /// The epochs in which the learning rate halves; nil for one that stays.
  public var halfLife: Double?
  /// Whether the meta-gradient flows through the optimizee's gradients too.
  public var secondDerivatives = false
  /// With second derivatives, how many times longer the adjoint of an optimizee's parameter may be
  /// than without them; nil for no limit.
  ///
  /// Unrolls are often chaotic: the products of Jacobians that second derivatives bring in then grow
  /// exponentially with the distance and tell nothing (Metz et al., "Understanding and correcting
  /// pathologies in the training of learned optimizers", 2019). The direction that they give over a
  /// few steps is worth keeping.
  public var adjointLimit: Double?
  /// With second derivatives, how wide the derivative of an update by its gradient is taken, in root
  /// mean squares of the parameter's gradient; nil for the derivative itself.
  ///
  /// The preprocessing `LogAndSign` answers a gradient near 0 with a slope of 1 / |g|, and the update
  /// with a jump of bounded height: what a change of usual size does to it, the slope does not tell.
  /// A few such entries make the products of Jacobians explode and the meta-gradient noise. So the
  /// slopes of entries below the width are scaled down by |g| over the width, as they would be were
  /// |g| no smaller than it, which takes the explosion away. It is a bias: with the slope goes what a
  /// change of sign would do, and optimizers that live by it get worse.
  public var adjointSmoothing: Double?
  /// The largest norm of one optimizee's meta-gradient, all nets together; nil for no limit.
  ///
  /// Longer ones are shortened to it (Pascanu et al., "On the difficulty of training recurrent neural
  /// networks", 2013, section 3.2), before the average over optimizees: else one whose unroll is
  /// chaotic, with a meta-gradient a thousand times longer, would silence all others.
  public var clipNorm: Double?
  /// The horizon in meta-steps of a moving average of the weights, which is what is evaluated and
  /// saved; nil for the weights themselves.
  ///
  /// Meta-gradients are noisy; an average lies nearer to the middle of what the weights wander about
  /// in (Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992).
  public var averageSteps: Double?
  /// The saved optimizer whose weights the training starts from, as the user named it; nil for new
  /// weights.
  public var startFrom: String?
  /// What is minimized.
  public var metaLoss = MetaLoss.Kind.sum
  /// What is added to losses before their logarithm; see `MetaLoss.floor`.
  public var logFloor = MetaLoss.defaultFloor
  /// The name of the estimator of meta-gradients.
  public var estimator = TruncatedBackpropagation.name
  /// The share of windows in which backpropagation learns from a teacher; see `Imitation`.
  public var imitation = 0.0
  /// How far, in training, a parameter's units may be from its own: by up to e to this; nil for not at
  /// all (`RandomScaling`).
  public var randomScaling: Double?
  /// Whether training adds a convex term of 20 numbers more; see `RandomScaling`.
  public var hasConvexTerm = false
  /// The standard deviation of evolution strategies' perturbations.
  public var sigma: Float = 0.01
  /// For how many steps nres keeps a perturbation; nil for a whole trajectory.
  public var perturbationSteps: Int?
  /// Whether full-es takes only the sign of differences.
  public var usesSign = false
  /// The largest loss that counts in evolution strategies; nil for no limit.
  public var lossClip: Double?
  /// When to end where meta-steps are counted.
  public var metaStepCount = 10_000
  /// How weights are stepped.
  public var metaOptimizer = MetaOptimizer.Rule.adam
  /// AdamW's weight decay.
  public var weightDecay: Float = 1e-4
  /// The momentum of gradient descent.
  public var momentum: Float = 0.9
  /// Steps of the weights in which the learning rate rises to its value.
  public var warmup = 0
  /// How the learning rate goes on.
  public var schedule = LearningRateSchedule.constant
  /// The largest size of an element of the mean meta-gradient; nil for no limit.
  public var clipValue: Double?
  /// The largest norm of the mean meta-gradient; nil for no limit.
  public var clipMeanNorm: Double?
  /// Meta-steps whose mean gradients are averaged for one step of the weights.
  public var accumulate = 1
  /// The names of weights that stay as they are.
  public var freeze: [String] = []
  /// The seed of all random numbers.
  public var seed: UInt64 = 0
  /// Optimizees unrolled for one meta-step.
  public var optimizees = 1

  /// The defaults for a problem.
  public init(problem: String, problemOptions: [String: String] = [:]) {
    self.problem = problem
    self.problemOptions = problemOptions
    netOptions = [:]
  }

  /// Unrolls in an epoch; steps that don't fill an unroll are left out.
  public var unrollCount: Int { stepCount / unrollLength }

  /// The learning rate of a step of the weights: it follows from where the training stands alone, so
  /// that a training can be resumed; without a cosine it can be made longer, too.
  ///
  /// - Parameters:
  ///   - step: steps of the weights taken before.
  ///   - total: steps of the weights in the whole training.
  public func learningRate(epoch: Int, step: Int, of total: Int) -> Float {
    var rate = halfLife.map { learningRate * Float(exp2(-Double(epoch) / $0)) } ?? learningRate
    if step < warmup { rate *= Float(step + 1) / Float(warmup) }
    if schedule == .cosine {
      let done = Double(min(step, total)) / Double(max(total, 1))
      rate *= Float(0.5 * (1 + cos(.pi * done)))
    }
    return rate
  }
}

/// How the learning rate of the weights goes on after the warm-up.
public enum LearningRateSchedule: String, CaseIterable, Sendable {
  /// It stays.
  case constant
  /// It falls along half a cosine to 0 at the end of the training.
  case cosine
}
