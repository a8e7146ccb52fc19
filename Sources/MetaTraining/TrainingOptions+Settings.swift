public import MetaGradients
internal import Problems
public import Settings

extension TrainingOptions: Configurable {
  /// The defaults for the simplest problem.
  public init() { self.init(problem: "simple") }

  /// All of them: a new one is a line here and its property above.
  public static let settings: [Setting<TrainingOptions>] = [
    Setting(
      "problem", \.problemNames, placeholder: "NAME",
      "the problem; `l2l list` names all; repeatable: optimizees are dealt to all evenly"),
    Setting(
      "problem_option", \.problemOptions,
      "an option of the problem; PROBLEM.NAME for one of several; repeatable"),
    Setting(
      "net_option", \.netOptions,
      "an option of the default nets; KEY.NAME for one of several; repeatable"),
    Setting("num_epochs", \.epochCount, in: .from(0, to: 1e9), effect: .extent, "training epochs"),
    Setting(
      "log_period", \.logPeriod, in: .from(1, to: 1e9), effect: .extent,
      "epochs, or meta-steps where these are counted, between log lines"
    ),
    Setting(
      "evaluation_period", \.evaluationPeriod, in: .from(1, to: 1e9),
      "epochs or meta-steps between evaluations"),
    Setting(
      "evaluation_epochs", \.evaluationEpochs, in: .from(0, to: 1e7), "epochs of an evaluation"),
    Setting(
      "num_steps", \.horizon,
      "steps of an epoch, or of a trajectory, which can be drawn, as 100..2000, or grow, as 100,200@1000"
    ),
    Setting(
      "unroll_length", \.unrollLength, in: .from(1, to: 1e7),
      "steps of an unroll, the window of a meta-gradient"),
    Setting("learning_rate", \.learningRate, in: .atLeast(0), "of the nets' weights"),
    Setting(
      "learning_rate_half_life", \.halfLife, in: .above(0, below: 1e9), default: "it stays",
      "epochs or meta-steps in which the learning rate halves"),
    Setting(
      "second_derivatives", \.secondDerivatives,
      "let the meta-gradient flow through the optimizee's gradients"),
    Setting(
      "adjoint_limit", \.adjointLimit, in: .above(0),
      "how many times longer second derivatives may make the adjoints of the optimizee's parameters"
    ),
    Setting(
      "adjoint_smoothing", \.adjointSmoothing, in: .above(0),
      "take second derivatives through gradients below so many of their root mean squares as if they were of that size"
    ),
    Setting(
      "clip_norm", \.clipNorm, in: .above(0),
      "the largest norm of an optimizee's meta-gradient; longer ones are shortened"),
    Setting(
      "average_steps", \.averageSteps, in: .atLeast(1, below: 1e9),
      "evaluate and save a moving average of the weights over so many meta-steps"),
    Setting(
      "start_from", \.startFrom, placeholder: "PATH", default: "new weights",
      "a saved optimizer to start from: its folder, the file of the one net, 'pretrained' or 'pretrained:NAME'"
    ),
    Setting(
      "meta_loss", \.metaLoss,
      "what is minimized: the sum of an unroll's losses, or of their logs, the log of the final one, or"
        + " the smallest one"
    ),
    Setting(
      "log_floor", \.logFloor, in: .above(0),
      "what meta_loss log and final add to losses first: of those far below it, differences count, not ratios"
    ),
    Setting(
      "estimator", \.estimator, placeholder: "NAME",
      "how meta-gradients are found: backprop, es, pes, nres, full-es or pes-analytic"),
    Setting(
      "imitation", \.imitation, in: .from(0, to: 1),
      "the share of unrolls in which backprop learns the updates of Adam, RMSprop or NAG instead"),
    Setting(
      "random_scaling", \.randomScaling, in: .above(0, below: 40), default: "units as they are",
      "train with every parameter in units of its own, up to e to this times larger or smaller"),
    Setting(
      "convex_term", \.hasConvexTerm, "train with 20 parameters more, of a bounded convex function"),
    Setting(
      "sigma", \.sigma, in: .above(0),
      "the standard deviation of evolution strategies' perturbations"),
    Setting(
      "perturbation_steps", \.perturbationSteps, in: .from(1, to: 1e8),
      default: "a whole trajectory", "for how many steps nres keeps a perturbation"),
    Setting("sign", \.usesSign, "whether full-es takes only the sign of differences"),
    Setting(
      "loss_clip", \.lossClip, in: .any, "the largest loss that counts in evolution strategies"),
    Setting(
      "num_meta_steps", \.metaStepCount, in: .from(0, to: 1e12), effect: .extent,
      "when to end where meta-steps are counted instead of epochs"),
    Setting("meta_optimizer", \.metaOptimizer, "how weights are stepped"),
    Setting("weight_decay", \.weightDecay, in: .atLeast(0), "AdamW's"),
    Setting("momentum", \.momentum, in: .atLeast(0, below: 1), "of meta_optimizer sgd"),
    Setting(
      "warmup", \.warmup, in: .from(0, to: 1e9),
      "steps of the weights in which the learning rate rises to its value"),
    Setting("schedule", \.schedule, "how the learning rate goes on"),
    Setting(
      "clip_value", \.clipValue, in: .above(0),
      "the largest size of an element of the mean meta-gradient"),
    Setting(
      "clip_mean_norm", \.clipMeanNorm, in: .above(0),
      "the largest norm of the mean meta-gradient"),
    Setting(
      "accumulate", \.accumulate, in: .from(1, to: 1e6),
      "meta-steps whose mean gradients are averaged for one step of the weights"),
    Setting(
      "freeze", \.freeze, placeholder: "WEIGHT",
      "a weight that stays as it is, as linear/w or cw/linear/w; repeatable"),
    Setting("seed", \.seed, "of all random numbers"),
    Setting(
      "optimizees", \.optimizees, in: .from(1, to: 1e6), default: "the number of processes",
      "optimizees unrolled for one meta-step, over all processes"),
  ]

  /// Checks that an epoch has an unroll.
  public func check() throws(SettingError) {
    guard stepCount >= unrollLength || estimator == FullEvolutionStrategies.name else {
      throw SettingError(
        "num_steps", in: .commandLine,
        .contradiction(
          reason: "--num_steps \(horizon) is less than --unroll_length \(unrollLength): an epoch"
            + " would have no unroll; give more steps or a shorter unroll"))
    }
  }
}

extension Horizon: SettingValue {
  /// A number of steps or a range of them.
  public static var placeholder: String { "N|A..B" }
  /// The forms of a horizon.
  public static func expectation(_ bounds: Bounds) -> String {
    "a number of steps of at least 1 as 100, a range as 100..2000, or several as 100,200@1000"
  }
  /// What `description` writes.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last else { return nil }
    self.init(text)
  }
  /// A number or what `description` writes.
  public init?(settingJSON json: JSONValue) {
    self.init(json.string ?? json.text)
  }
  /// The steps.
  public var settingText: String { "\(self)" }
  /// A number where there is one.
  public var settingJSON: JSONValue {
    constant.map { .number(Double($0)) } ?? .string("\(self)")
  }
}

extension TrainingOptions {
  /// The names in `problem`.
  fileprivate var problemNames: ProblemNames {
    get { ProblemNames(problem) }
    set { problem = newValue.text }
  }
}
