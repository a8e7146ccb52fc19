public import Settings

/// The constants of Adam.
public struct AdamSettings: Configurable, Equatable {
  /// The step size.
  public var learningRate: Float
  /// The decay of the first moment.
  public var beta1: Double
  /// The decay of the second moment.
  public var beta2: Double
  /// Added to the root of the second moment.
  public var epsilon: Float

  /// The constants of the paper.
  public init() { self.init(learningRate: 0.001) }

  /// The given constants, others as in the paper.
  public init(
    learningRate: Float, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// learning_rate, beta1, beta2 and epsilon.
  public static let settings: [Setting<AdamSettings>] = [
    Setting("learning_rate", \.learningRate, in: .atLeast(0), "the step size"),
    Setting(
      "beta1", \.beta1, in: .atLeast(0, below: 1), "the decay of the first moment"),
    Setting(
      "beta2", \.beta2, in: .atLeast(0, below: 1), "the decay of the second moment"),
    Setting(
      "epsilon", \.epsilon, in: .atLeast(0), "added to the second moment's root"),
  ]

  /// The moments' constants.
  var moments: AdamMoments { AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon) }
}

/// The constants of `AdamW` and `NAdamW`.
public struct AdamWSettings: Configurable, Equatable {
  /// Adam's.
  public var adam = AdamSettings()
  /// The weight of the parameter itself.
  public var weightDecay: Float = 1e-4

  /// The usual constants.
  public init() {}

  /// Adam's, and weight_decay.
  public static let settings: [Setting<AdamWSettings>] =
    AdamSettings.settings.map { $0.within(\.adam) } + [
      .weightDecay(\.weightDecay)
    ]
}

/// The constants of `ScheduleFreeAdamW`.
public struct ScheduleFreeSettings: Configurable, Equatable {
  /// Adam's.
  public var adam = AdamSettings(learningRate: 0.0025)
  /// The weight of the parameter itself.
  public var weightDecay: Float = 0

  /// The usual constants.
  public init() {}

  /// Adam's, and weight_decay.
  public static let settings: [Setting<ScheduleFreeSettings>] =
    AdamSettings.settings.map { $0.within(\.adam) } + [
      .weightDecay(\.weightDecay)
    ]

  /// Checks that there is an average.
  public func check() throws(SettingError) {
    if adam.beta1 <= 0 { throw refuse("beta1", expected: "a number above 0 and below 1") }
  }
}

/// The constants of `Muon`.
public struct MuonSettings: Configurable, Equatable {
  /// Those of the Adam for what is no matrix.
  public var adam = AdamSettings()
  /// The decay of a matrix's momentum.
  public var momentum = 0.95
  /// The weight of a matrix itself.
  public var weightDecay: Float = 0

  /// The usual constants.
  public init() {}

  /// Adam's, momentum and weight_decay.
  public static let settings: [Setting<MuonSettings>] =
    AdamSettings.settings.map { $0.within(\.adam) } + [
      Setting(
        "momentum", \.momentum, in: .atLeast(0, below: 1), "the momentum's decay"),
      .weightDecay(\.weightDecay),
    ]
}

extension Setting {
  /// `weight_decay`.
  static func weightDecay(_ path: any WritableKeyPath<Owner, Float> & Sendable) -> Setting {
    Setting("weight_decay", path, in: .atLeast(0), "the weight of the parameter itself")
  }

  /// `learning_rate`.
  static func learningRate(_ path: any WritableKeyPath<Owner, Float> & Sendable) -> Setting {
    Setting("learning_rate", path, in: .atLeast(0), "the step size")
  }
}
