public import Settings

/// The options of a perceptron whose step is o_0 exp(exp_mult o_1) step_mult.
public struct PerceptronSettings: Configurable, Equatable {
  /// Sizes of the hidden layers.
  public var hidden: [Int]
  /// step_mult.
  public var stepMultiplier: Float = 0.001
  /// exp_mult.
  public var expMultiplier: Float = 0.001

  /// Two hidden layers of 4.
  public init() { self.init(hidden: [4, 4]) }

  /// Hidden layers of these sizes.
  public init(hidden: [Int]) { self.hidden = hidden }

  /// layers, step_mult and exp_mult.
  public static let settings: [Setting<PerceptronSettings>] = [
    .hiddenLayers(\.hidden),
    Setting("step_mult", \.stepMultiplier, "the factor of all steps"),
    Setting("exp_mult", \.expMultiplier, "the factor in the exponent of steps"),
  ]
}

/// The options of `MLPLOpt`, whose layers are larger.
public struct MLPLOptSettings: Configurable, Equatable {
  /// All of them.
  public var perceptron = PerceptronSettings(hidden: [32, 32])

  /// Two hidden layers of 32.
  public init() {}

  /// layers, step_mult and exp_mult.
  public static let settings: [Setting<MLPLOptSettings>] =
    PerceptronSettings.settings.map { $0.within(\.perceptron) }
}

/// The options of `Celo2Base`.
public struct Celo2BaseSettings: Configurable, Equatable {
  /// The learning rate.
  public var learningRate: Float = 0.001
  /// The decoupled weight decay.
  public var weightDecay: Float = 0
  /// How the rate goes on where the number of steps is told.
  public var schedule = RateSchedule.constant
  /// The power of how far gradients agree that steps go with; 0 for steps of one size.
  public var graft: Float = 0
  /// Sizes of the perceptron's hidden layers.
  public var hidden = [8, 8]

  /// Those of the paper.
  public init() {}

  /// learning_rate, weight_decay, schedule, graft and layers.
  public static let settings: [Setting<Celo2BaseSettings>] = [
    .learningRate(\.learningRate), .weightDecay(\.weightDecay),
    Setting("schedule", \.schedule, "how the learning rate goes on from step to step"),
    Setting(
      "graft", \.graft, in: .atLeast(0),
      "the power of how far gradients agree that steps go with; 0: all are of one size"),
    .hiddenLayers(\.hidden),
  ]

  /// A rule's options without what is ours alone and unused, as files of earlier versions have them.
  func leavingOutUnused(of options: [String: JSONValue]) -> [String: JSONValue] {
    var options = options
    if schedule == .constant { options["schedule"] = nil }
    if graft == 0 { options["graft"] = nil }
    return options
  }
}

/// The options of `Celo2`.
public struct Celo2Settings: Configurable, Equatable {
  /// Those that it shares with `Celo2Base`.
  public var base = Celo2BaseSettings()
  /// How many times the learning rate Adam's is.
  public var adamMultiplier: Float = 20

  /// Those of the paper.
  public init() {}

  /// learning_rate, weight_decay, schedule, graft, layers and adam_multiplier.
  public static let settings: [Setting<Celo2Settings>] =
    Celo2BaseSettings.settings.map { $0.within(\.base) } + [
      Setting(
        "adam_multiplier", \.adamMultiplier, in: .atLeast(0),
        "how many times the learning rate Adam's is, for tensors of rank 0 and 1")
    ]
}

extension Setting {
  /// `layers` of a small perceptron.
  static func hiddenLayers(_ path: any WritableKeyPath<Owner, [Int]> & Sendable) -> Setting {
    Setting("layers", path, in: .from(1, to: 64), count: 1...4, "sizes of the hidden layers")
  }
}

extension RateSchedule {
  /// What a rule with this schedule looks at to follow it.
  var inputs: StepInputs { self == .constant ? [] : .progress }
}
