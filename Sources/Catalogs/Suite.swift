internal import Settings

/// Tasks on which optimizers are compared under a name: `l2l compare --suite=NAME`.
public struct Suite: Sendable {
  /// A problem with options, and how long it is optimized.
  public struct Task: Equatable, Sendable {
    /// The name in tables and figures.
    public let name: String
    /// The name of the problem.
    public let problem: String
    /// The problem's options.
    public let options: [String: String]
    /// The steps of a run.
    public let stepCount: Int

    /// A task.
    ///
    /// - Parameter name: the problem's with its options, unless another one is given.
    public init(
      _ problem: String, _ options: [String: String] = [:], steps stepCount: Int,
      name: String? = nil
    ) {
      self.problem = problem
      self.options = options
      self.stepCount = stepCount
      self.name = name ?? Self.name(problem, options)
    }

    /// A name without what would end a cell of a table.
    private static func name(_ problem: String, _ options: [String: String]) -> String {
      let words =
        [problem] + options.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      return String(
        String.UnicodeScalarView(
          words.joined(separator: " ").unicodeScalars.map { isPlain($0) ? $0 : "-" }))
    }

    /// Whether a character can stand in a name.
    fileprivate static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
      scalar.value >= 0x20 && scalar != "," && scalar != "\""
    }
  }

  /// The name on the command line.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The tasks.
  public let tasks: [Task]
  /// The hand-designed optimizers that take part unless others are named.
  public let baselines: [String]
  /// Optimizees that each optimizer is measured on, a task.
  public let seedCount: Int
  /// Optimizees of each trial.
  public let tuningSeedCount: Int
  /// Trials of each optimizer that has something to tune, a task.
  public let trialCount: Int

  /// A suite.
  ///
  /// - Precondition: tasks with unlike names without commas, quotes and line ends; counts above 0.
  public init(
    _ name: String, _ summary: String, tasks: [Task], baselines: [String], seedCount: Int = 3,
    tuningSeedCount: Int = 2, trialCount: Int = 11
  ) {
    precondition(
      !tasks.isEmpty && Set(tasks.map(\.name)).count == tasks.count, "tasks of '\(name)'")
    precondition(
      tasks.allSatisfy { $0.name.unicodeScalars.allSatisfy { Task.isPlain($0) } },
      "commas, quotes or line ends in the names of '\(name)'")
    precondition(seedCount > 0 && tuningSeedCount > 0 && trialCount > 0, "counts of '\(name)'")
    self.name = name
    self.summary = summary
    self.tasks = tasks
    self.baselines = baselines
    self.seedCount = seedCount
    self.tuningSeedCount = tuningSeedCount
    self.trialCount = trialCount
  }
}

// MARK: - Files

/// What is wrong with the file of a suite.
public struct SuiteFileError: Error, Equatable, Sendable {
  /// The place in the file, as `tasks[2].steps`.
  public let place: String
  /// What is wrong there and what is expected.
  public let reason: String
}

extension Suite {
  /// The most tasks of a file.
  private static let mostTasks = 1000

  /// Reads a suite of a user's.
  ///
  ///     {
  ///       "name": "mine",
  ///       "tasks": [
  ///         {"problem": "perceptron", "options": {"layers": "64,64"}, "steps": 1000, "name": "deep"},
  ///         {"problem": "rosenbrock", "steps": 200}
  ///       ],
  ///       "baselines": ["Adam", "NAG"], "seeds": 3, "tuning_seeds": 2, "trials": 11
  ///     }
  ///
  /// Only `tasks` is needed, and of a task `problem` and `steps`. Options are texts, numbers, true or
  /// false, or lists of these.
  ///
  /// - Parameters:
  ///   - name: what the suite is called when the file does not say it.
  ///   - standard: whose baselines and counts are taken where the file names none.
  /// - Throws: `SuiteFileError`.
  public init(
    parsing text: String, name: String, standard: Suite
  ) throws(SuiteFileError) {
    guard let json = JSONValue(parsing: text) else {
      throw SuiteFileError(place: "the file", reason: "is no JSON")
    }
    if let name = JSONValue.repeatedName(in: text) {
      throw SuiteFileError(place: "the file", reason: "has '\(name)' twice in one object")
    }
    guard let object = json.object else {
      throw SuiteFileError(place: "the file", reason: "must be an object with a list 'tasks'")
    }
    try Self.requireNames(
      object, ["name", "summary", "tasks", "baselines", "seeds", "tuning_seeds", "trials"],
      in: "the file")
    guard let list = object["tasks"]?.array, !list.isEmpty, list.count <= Self.mostTasks else {
      throw SuiteFileError(
        place: "tasks", reason: "must be a list of 1 to \(Self.mostTasks) tasks")
    }
    var tasks: [Task] = []
    for (index, value) in list.enumerated() {
      let task = try Self.task(value, in: "tasks[\(index)]")
      guard !tasks.contains(where: { $0.name == task.name }) else {
        throw SuiteFileError(
          place: "tasks[\(index)]",
          reason: "is the second one called '\(task.name)'; give each a 'name' of its own")
      }
      tasks.append(task)
    }
    var baselines = standard.baselines
    if let given = object["baselines"] {
      guard let names = given.array?.map(\.string), names.allSatisfy({ $0 != nil }) else {
        throw SuiteFileError(place: "baselines", reason: "must be a list of names")
      }
      baselines = names.compactMap(\.self)
      guard !baselines.isEmpty, Set(baselines).count == baselines.count else {
        throw SuiteFileError(
          place: "baselines", reason: "must be a list of one or more names, each once")
      }
    }
    for key in ["name", "summary"] {
      guard let value = object[key], value.string == nil else { continue }
      throw SuiteFileError(place: key, reason: "must be a text")
    }
    func count(_ key: String, _ standard: Int) throws(SuiteFileError) -> Int {
      guard let value = object[key] else { return standard }
      return try Self.count(value, atMost: 10_000, in: key)
    }
    self.init(
      object["name"]?.string ?? name, object["summary"]?.string ?? "", tasks: tasks,
      baselines: baselines, seedCount: try count("seeds", standard.seedCount),
      tuningSeedCount: try count("tuning_seeds", standard.tuningSeedCount),
      trialCount: try count("trials", standard.trialCount))
  }

  private static func task(
    _ value: JSONValue, in place: String
  ) throws(SuiteFileError) -> Task {
    guard let object = value.object else {
      throw SuiteFileError(place: place, reason: "must be an object with 'problem' and 'steps'")
    }
    try requireNames(object, ["problem", "options", "steps", "name"], in: place)
    guard let problem = object["problem"]?.string else {
      throw SuiteFileError(
        place: "\(place).problem", reason: "must be the name of a problem; `l2l list` names all")
    }
    guard let steps = object["steps"] else {
      throw SuiteFileError(place: "\(place).steps", reason: "is missing: the steps of a run")
    }
    var options: [String: String] = [:]
    if let given = object["options"] {
      guard let members = given.object else {
        throw SuiteFileError(place: "\(place).options", reason: "must be an object")
      }
      for (name, value) in members {
        guard let text = optionText(value) else {
          throw SuiteFileError(
            place: "\(place).options.\(name)",
            reason: "must be a text, a number, true, false, or a list of these")
        }
        options[name] = text
      }
    }
    let name = object["name"]
    let isPlain = name?.string.map {
      !$0.isEmpty && $0.utf8.count <= 100
        && $0.unicodeScalars.allSatisfy { Task.isPlain($0) }
    }
    guard name == nil || isPlain == true else {
      throw SuiteFileError(
        place: "\(place).name",
        reason: "must be a text of 1 to 100 bytes without commas, quotes and line ends")
    }
    return Task(
      problem, options, steps: try count(steps, atMost: 10_000_000, in: "\(place).steps"),
      name: name?.string)
  }

  private static func optionText(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .number, .bool: value.text
    case .array(let values):
      values.contains { $0.array != nil || $0.object != nil }
        ? nil : values.map { $0.string ?? $0.text }.joined(separator: ",")
    case .null, .object: nil
    }
  }

  private static func count(
    _ value: JSONValue, atMost most: Int, in place: String
  ) throws(SuiteFileError) -> Int {
    guard let number = value.number, number == number.rounded(), number >= 1,
      number <= Double(most)
    else {
      throw SuiteFileError(place: place, reason: "must be a whole number from 1 to \(most)")
    }
    return Int(number)
  }

  private static func requireNames(
    _ object: [String: JSONValue], _ valid: [String], in place: String
  ) throws(SuiteFileError) {
    guard let name = object.keys.filter({ !valid.contains($0) }).min() else { return }
    throw SuiteFileError(
      place: place,
      reason: "has an unknown entry '\(name)'; it may have \(valid.joined(separator: ", "))")
  }
}
