internal import Foundation
public import LearnedOptimizers

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
  /// Steps of an epoch.
  public var stepCount = 100
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
  public var metaLoss = MetaLoss.sum
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

  /// The learning rate of an epoch's meta-steps: it follows from the epoch alone, so that a training
  /// can be resumed and made longer.
  public func learningRate(epoch: Int) -> Float {
    halfLife.map { learningRate * Float(exp2(-Double(epoch) / $0)) } ?? learningRate
  }

  private static func object(_ strings: [String: String]) -> JSONValue {
    .object(strings.mapValues { .string($0) })
  }

  /// The options as JSON: how they are saved and compared.
  public var json: [String: JSONValue] {
    [
      "problem": .string(problem), "problem_option": Self.object(problemOptions),
      "net_option": Self.object(netOptions), "num_epochs": .number(Double(epochCount)),
      "log_period": .number(Double(logPeriod)),
      "evaluation_period": .number(Double(evaluationPeriod)),
      "evaluation_epochs": .number(Double(evaluationEpochs)),
      "num_steps": .number(Double(stepCount)), "unroll_length": .number(Double(unrollLength)),
      "learning_rate": .number(Double(learningRate)),
      "second_derivatives": .bool(secondDerivatives), "seed": .string(String(seed)),
      "optimizees": .number(Double(optimizees)),
      "meta_loss": .string(metaLoss.rawValue),
      "clip_norm": clipNorm.map(JSONValue.number) ?? .null,
      "adjoint_limit": adjointLimit.map(JSONValue.number) ?? .null,
      "adjoint_smoothing": adjointSmoothing.map(JSONValue.number) ?? .null,
      "average_steps": averageSteps.map(JSONValue.number) ?? .null,
      "start_from": startFrom.map(JSONValue.string) ?? .null,
      "learning_rate_half_life": halfLife.map(JSONValue.number) ?? .null,
    ]
  }

  /// Reads what `json` wrote; nil when something is missing or of the wrong kind.
  public init?(json: [String: JSONValue]) {
    func integer(_ name: String) -> Int? { json[name]?.number.flatMap(Int.init(exactly:)) }
    func strings(_ name: String) -> [String: String]? {
      json[name]?.object?.compactMapValues(\.string)
    }
    // Absent where there was no choice yet.
    if let start = json["start_from"], start != .null, start.string == nil { return nil }
    guard let problem = json["problem"]?.string, let problemOptions = strings("problem_option"),
      let netOptions = strings("net_option"), let epochCount = integer("num_epochs"),
      let logPeriod = integer("log_period"), let evaluationPeriod = integer("evaluation_period"),
      let evaluationEpochs = integer("evaluation_epochs"), let stepCount = integer("num_steps"),
      let unrollLength = integer("unroll_length"), let rate = json["learning_rate"]?.number,
      case .bool(let second)? = json["second_derivatives"],
      let seed = json["seed"]?.string.flatMap(UInt64.init),
      let optimizees = integer("optimizees"),
      // These are absent where there was no choice yet.
      [
        "learning_rate_half_life", "clip_norm", "average_steps", "adjoint_limit",
        "adjoint_smoothing",
      ].allSatisfy({ name in
        json[name].map { $0 == .null || $0.number ?? 0 > 0 } ?? true
      }),
      let metaLoss = json["meta_loss", default: .string("sum")].string
        .flatMap(MetaLoss.init), unrollLength > 0, logPeriod > 0,
      evaluationPeriod > 0, evaluationEpochs >= 0, optimizees > 0
    else { return nil }
    self.problem = problem
    self.problemOptions = problemOptions
    self.netOptions = netOptions
    self.epochCount = epochCount
    self.logPeriod = logPeriod
    self.evaluationPeriod = evaluationPeriod
    self.evaluationEpochs = evaluationEpochs
    self.stepCount = stepCount
    self.unrollLength = unrollLength
    learningRate = Float(rate)
    secondDerivatives = second
    self.seed = seed
    self.metaLoss = metaLoss
    halfLife = json["learning_rate_half_life"]?.number
    clipNorm = json["clip_norm"]?.number
    averageSteps = json["average_steps"]?.number
    adjointLimit = json["adjoint_limit"]?.number
    adjointSmoothing = json["adjoint_smoothing"]?.number
    startFrom = json["start_from"]?.string
    self.optimizees = optimizees
  }
}
