internal import Datasets
public import Problems
public import Settings

/// An error of a problem's own: what it said.
public struct ProblemFault: Error, Equatable, Sendable {
  /// The problem's name.
  public let problem: String
  /// What is wrong, in the problem's own words.
  public let reason: String

  /// An error of a problem's own.
  public init(problem: String, reason: String) {
    self.problem = problem
    self.reason = reason
  }
}

/// A problem that can be chosen by name, with the nets it is trained with unless told otherwise.
///
/// ```swift
/// ProblemEntry("rosenbrock", "the banana valley", nets: [.lstm]) { (options: RosenbrockOptions, _) in
///   Rosenbrock(options)
/// }
/// ```
public struct ProblemEntry: Sendable {
  /// The name on the command line.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The nets that step its parameters.
  public let nets: [NetDescription]
  /// The options it takes: name, default, what may be given, and what it means.
  public let options: [(name: String, standard: String, expected: String, summary: String)]
  private let build: @Sendable ([String: String], ProblemData) throws -> BuiltProblem
  private let implied: @Sendable ((String) -> [Int]?) -> [String: String]

  /// An entry whose parts are known.
  init(
    name: String, summary: String, nets: [NetDescription],
    options: [(name: String, standard: String, expected: String, summary: String)],
    build: @escaping @Sendable ([String: String], ProblemData) throws -> BuiltProblem
  ) {
    self.name = name
    self.summary = summary
    self.nets = nets
    self.options = options
    self.build = build
    implied = { _ in [:] }
  }

  /// A problem that may read a data set.
  ///
  /// - Parameters:
  ///   - implied: the options that follow from the shapes of tensors given to `l2l unroll --state`,
  ///     as `x0/w`.
  ///   - build: makes the problem from its options, which were checked, and its data.
  public init<Options: Configurable>(
    _ name: String, _ summary: String, nets: [NetDescription],
    implied: @escaping @Sendable (_ shape: (String) -> [Int]?) -> [String: String] = { _ in [:] },
    build: @escaping @Sendable (Options, ProblemData) throws -> BuiltProblem
  ) {
    self.name = name
    self.summary = summary
    self.nets = nets
    self.implied = implied
    options = Options.settings.map { ($0.name, $0.defaultText, $0.expected, $0.summary) }
    self.build = { given, data in
      let place = SettingPlace.problem(name)
      var options = Options()
      try GivenSettings<Options>(given, in: place).apply(to: &options)
      do {
        try options.check()
        return try build(options, data)
      } catch let error as SettingError {
        throw error.moved(to: place)
      } catch let error where !(error is ProblemError || error is DatasetError) {
        throw ProblemFault(problem: name, reason: "\(error)")
      }
    }
  }

  /// A problem without a data set.
  public init<Options: Configurable>(
    _ name: String, _ summary: String, nets: [NetDescription],
    implied: @escaping @Sendable (_ shape: (String) -> [Int]?) -> [String: String] = { _ in [:] },
    build: @escaping @Sendable (Options, ProblemData) throws -> some Problem
  ) {
    self.init(name, summary, nets: nets, implied: implied) { (options: Options, data) in
      BuiltProblem(try build(options, data))
    }
  }

  /// The problem with the given options (others at their defaults).
  ///
  /// Options are checked before any data are read.
  ///
  /// - Throws: `SettingError` for a wrong option, `DatasetError` for missing or malformed data, and
  ///   what the problem itself throws.
  public func make(options given: [String: String] = [:], data: ProblemData) throws
    -> BuiltProblem
  { try build(given, data) }

  /// The options that tensors of these shapes decide.
  public func options(ofShapes shape: (_ tensor: String) -> [Int]?) -> [String: String] {
    implied(shape)
  }
}
