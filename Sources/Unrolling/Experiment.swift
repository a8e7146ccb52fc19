internal import LearnedOptimizers
public import Problems
public import Tensors

/// A family of problems under its name.
public struct TaskAssignment: Sendable {
  /// The name, for reports.
  public let name: String
  /// The problems.
  public let family: any ProblemFamily

  /// A family, or a problem, under a name.
  public init(_ name: String, _ family: any ProblemFamily) {
    self.name = name
    self.family = family
  }
}

/// What is trained on, and the nets that step its parameters.
public struct Experiment: Sendable {
  /// The families that optimizees are dealt from, evenly.
  public let tasks: [TaskAssignment]
  /// Those that meta-training deals from instead; the same unless they were made harder for it.
  public let trainingTasks: [TaskAssignment]
  /// The nets.
  public let nets: [NetAssignment]
  private static let checkedMembers = 32

  /// The layout of the one problem; nil where it can differ from optimizee to optimizee.
  private let fixedLayout: ParameterLayout?

  /// One problem and its nets.
  ///
  /// - Throws: `ExperimentError` when the nets don't fit the problem.
  public init(
    problem: any Problem, named name: String = "", nets: [NetAssignment]
  ) throws(ExperimentError) {
    try self.init(tasks: [TaskAssignment(name, problem)], nets: nets)
  }

  /// Families and the nets for all of them.
  ///
  /// - Parameter trainingTasks: what meta-training deals from, one for each of `tasks`; these when nil.
  /// - Throws: `ExperimentError` when the nets don't fit one of the first members of a family.
  public init(
    tasks: [TaskAssignment], trainingTasks: [TaskAssignment]? = nil, nets: [NetAssignment]
  ) throws(ExperimentError) {
    precondition(!tasks.isEmpty, "an experiment without tasks")
    precondition(
      trainingTasks.map { $0.count == tasks.count } ?? true, "other tasks for training, not as many"
    )
    self.tasks = tasks
    self.trainingTasks = trainingTasks ?? tasks
    self.nets = nets
    var layouts: [ParameterLayout] = []
    for task in tasks + (trainingTasks ?? []) {
      for draw in 0..<(task.family is any Problem ? 1 : Self.checkedMembers) {
        var stream = RandomStream(seed: 0, purpose: .problem, epoch: draw)
        let layout = try ParameterLayout(task.family.member(&stream), nets: nets)
        if draw == 0 { layouts.append(layout) }
      }
    }
    let isSole = tasks.count == 1 && trainingTasks == nil && tasks[0].family is any Problem
    fixedLayout = isSole ? layouts[0] : nil
    fixedParameters = layouts[0].fixedParameters
  }

  /// Parameters of the first task that no net steps: they keep their initial values.
  public let fixedParameters: [String]

  /// The task that an optimizee is dealt.
  public func task(of key: OptimizeeKey) -> TaskAssignment {
    let tasks = key.phase == .training ? trainingTasks : tasks
    return tasks[key.instance % tasks.count]
  }

  /// Where the parameters of a member lie.
  public func layout(of problem: any Problem) -> ParameterLayout {
    if let fixedLayout { return fixedLayout }
    do {
      return try ParameterLayout(problem, nets: nets)
    } catch {
      preconditionFailure("a member of a family that its nets don't fit: \(error)")
    }
  }

  /// The layout of the one problem; that of the first member of a family.
  public var layout: ParameterLayout {
    if let fixedLayout { return fixedLayout }
    var stream = RandomStream(seed: 0, purpose: .problem)
    return layout(of: tasks[0].family.member(&stream))
  }

  /// Weights of all nets drawn anew.
  public func initialWeights(seed: UInt64) -> [NamedTensors] {
    nets.enumerated().map { position, net in
      var stream = RandomStream(seed: seed, purpose: .weights, instance: position)
      return net.optimizer.initialWeights(&stream)
    }
  }
}
