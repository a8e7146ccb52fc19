public import Experiments
public import LearnedOptimizers
internal import Problems

/// An optimizer that takes part in a comparison.
public struct Contender: Sendable {
  /// How it steps.
  public enum Rule: Sendable {
    /// Nets that were trained.
    case learned([NetAssignment])
    /// One of `BaselineCatalog` on all parameters; a rate of nil is to be tuned.
    case baseline(String, rate: Float?)
  }

  /// Its name in tables and figures, unlike all others'.
  public let label: String
  /// How it steps.
  public let rule: Rule

  /// A contender under a label.
  public init(label: String, rule: Rule) {
    self.label = label
    self.rule = rule
  }

  /// Whether it was trained.
  public var isLearned: Bool { if case .learned = rule { true } else { false } }

  /// Whether its learning rate is to be tuned.
  public var needsTuning: Bool { if case .baseline(_, rate: nil) = rule { true } else { false } }

  /// The nets that step a problem's parameters.
  ///
  /// - Parameter rate: the learning rate of a baseline that has none of its own.
  /// - Throws: `OptimizerError`.
  func nets(rate: Float?) throws(OptimizerError) -> [NetAssignment] {
    switch rule {
    case .learned(let nets): return nets
    case .baseline(let name, let own):
      return [try BaselineCatalog.net(name, learningRate: own ?? rate ?? 0)]
    }
  }
}

/// The hand-designed optimizers, with their standard constants.
public enum BaselineCatalog {
  /// Their names: Adam, SGD, Momentum, NAG, RMSprop.
  public static let names = [Adam.name, "SGD", Momentum.name, NAG.name, RMSprop.name]

  /// The names of their classes.
  public static let classNames = Set(names.map(className))

  private static func className(_ name: String) -> String { name == "SGD" ? Sgd.name : name }

  /// The name of this spelling in capital and small letters of any kind; nil when there is none.
  public static func name(spelled spelling: String) -> String? {
    names.first { $0.lowercased() == spelling.lowercased() }
  }

  /// The optimizer on all parameters of a problem.
  ///
  /// - Throws: `OptimizerError`.
  public static func net(
    _ name: String, learningRate: Float
  ) throws(OptimizerError) -> NetAssignment {
    let description = NetDescription(
      key: name, net: className(name),
      options: ["learning_rate": .number(Double(learningRate))])
    return try description.assignment(seed: 0, position: 0)
  }
}
