public import Comparison
public import LearnedOptimizers
public import MetaTraining
public import Problems

/// All that can be chosen by name, as a value: what a program offers.
///
/// ```swift
/// var catalog = Catalog.standard
/// catalog.problems.append(ProblemEntry("rosenbrock", ...) { ... })
/// LearningToLearn.run(catalog)
/// ```
public struct Catalog: Sendable {
  /// The problems, in the order in which they are listed.
  public var problems: [ProblemEntry]
  /// The classes of nets.
  public var optimizers: [OptimizerEntry]
  /// The estimators of meta-gradients.
  public var estimators: [EstimatorEntry]
  /// The hand-designed optimizers that learned ones are compared with.
  public var baselines: [Baseline]
  /// Ways of training that work.
  public var recipes: [Recipe]
  /// The suites of tasks that optimizers are compared on.
  public var suites: [Suite]

  /// A catalog of the given entries.
  public init(
    problems: [ProblemEntry] = [], optimizers: [OptimizerEntry] = [],
    estimators: [EstimatorEntry] = [], baselines: [Baseline] = [],
    recipes: [Recipe] = [], suites: [Suite] = []
  ) {
    self.problems = problems
    self.optimizers = optimizers
    self.estimators = estimators
    self.baselines = baselines
    self.recipes = recipes
    self.suites = suites
  }

  /// The problem of this name; of several names with commas between, the problems together.
  ///
  /// - Throws: `ProblemError.unknownProblem`.
  public func problem(named name: String) throws(ProblemError) -> ProblemEntry {
    let names = ProblemNames(name).names
    guard names.count < 2 else {
      var entries: [ProblemEntry] = []
      for name in names { entries.append(try problem(named: name)) }
      return ProblemEntry(together: entries)
    }
    guard let entry = problems.first(where: { $0.name == name }) else {
      throw .unknownProblem(name, valid: problems.map(\.name))
    }
    return entry
  }

  /// The class of nets of this name.
  ///
  /// - Throws: `OptimizerError.unknownNet`.
  public func optimizer(named name: String) throws(OptimizerError) -> OptimizerEntry {
    try optimizers.entry(named: name)
  }

  /// The hand-designed optimizer of this name in capital and small letters of any kind; nil when
  /// there is none.
  public func baseline(spelled spelling: String) -> Baseline? {
    baselines.first { $0.name.lowercased() == spelling.lowercased() }
  }

  /// The recipe of this name; nil when there is none.
  public func recipe(named name: String) -> Recipe? { recipes.first { $0.name == name } }

  /// The suite of this name; nil when there is none.
  public func suite(named name: String) -> Suite? { suites.first { $0.name == name } }

  /// The first name that two entries of a kind share; nil when all are unique.
  public var firstRepeatedName: String? {
    let kinds = [
      problems.map(\.name), optimizers.map(\.name), estimators.map(\.name), baselines.map(\.name),
      recipes.map(\.name), suites.map(\.name),
    ]
    for names in kinds {
      var seen: Set<String> = []
      if let name = names.first(where: { !seen.insert($0).inserted }) { return name }
    }
    return nil
  }
}
