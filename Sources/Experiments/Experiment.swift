public import Layers
public import LearnedOptimizers
public import Problems
internal import Tensors

/// A net under its key, and the parameters it steps.
public struct NetAssignment: Sendable {
  /// The key: the name of the net's file, as `cw`.
  public let key: String
  /// The net.
  public var optimizer: any LearnedOptimizer
  /// The parameters.
  public let parameters: ParameterSelection

  /// A net that steps the chosen parameters, or all.
  public init(
    key: String, optimizer: any LearnedOptimizer, parameters: ParameterSelection = .all
  ) {
    self.key = key
    self.optimizer = optimizer
    self.parameters = parameters
  }
}

/// What can be wrong with the assignment of nets to parameters.
public enum ExperimentError: Error, Equatable, Sendable {
  /// Nets are assigned to parameters that the problem does not have.
  case unknownVariables(net: String, names: [String], valid: [String])
  /// Parameters are stepped by more than one net.
  case doublyAssigned(names: [String], nets: [String])
  /// Two nets have the same key.
  case duplicateKey(String)
  /// A net can't step parameters of this shape.
  case unfitParameter(net: String, parameter: String, shape: String, expected: String)
}

/// A problem and the nets that step its parameters.
///
/// Parameters are laid out in one vector: those of the first net in the problem's order, then those
/// of the second, ..., at last those that no net steps. A net's coordinates are thus one run.
public struct Experiment: Sendable {
  /// A parameter and its place in the vector of all.
  public struct Parameter: Sendable {
    /// Name, shape and initial value.
    public let specification: VariableSpecification
    /// Where its elements start.
    public let offset: Int
  }

  /// The problem.
  public let problem: any Problem
  /// The nets.
  public var nets: [NetAssignment]
  /// The problem's parameters in the problem's order, each with its place in the vector.
  public let parameters: [Parameter]
  /// For each net, the positions in `parameters` of what it steps.
  public let steppedBy: [[Int]]
  /// For each net, its run of the vector.
  public let ranges: [Range<Int>]
  /// The length of the vector.
  public let parameterCount: Int

  /// Checks and lays out an assignment.
  ///
  /// - Throws: `ExperimentError`.
  public init(problem: any Problem, nets: [NetAssignment]) throws(ExperimentError) {
    let specifications = problem.parameters
    let names = specifications.map(\.name)
    var owner: [String: String] = [:]
    var twice: [String] = []
    var clashing: Set<String> = []
    var steppedBy: [[Int]] = []
    var keys: Set<String> = []
    let chosen = Set(nets.flatMap { $0.parameters.names(among: names) })
    for net in nets {
      guard keys.insert(net.key).inserted else { throw .duplicateKey(net.key) }
      let unknown = net.parameters.unknown(among: names)
      guard unknown.isEmpty else {
        throw .unknownVariables(net: net.key, names: unknown, valid: names)
      }
      let wanted =
        net.parameters == .others
        ? names.filter { !chosen.contains($0) } : net.parameters.names(among: names)
      for name in wanted {
        if let other = owner[name] {
          twice.append(name)
          clashing.formUnion([other, net.key])
        }
        owner[name] = net.key
      }
      let positions = names.indices.filter { wanted.contains(names[$0]) }
      for position in positions {
        let shape = specifications[position].shape
        if let expected = net.optimizer.expectation(unmetBy: shape) {
          throw .unfitParameter(
            net: net.key, parameter: names[position], shape: "\(shape)", expected: expected)
        }
      }
      steppedBy.append(positions)
    }
    guard twice.isEmpty else {
      throw .doublyAssigned(names: twice, nets: clashing.sorted())
    }
    let free = names.indices.filter { owner[names[$0]] == nil }
    var offsets = [Int](repeating: 0, count: names.count)
    var next = 0
    var ranges: [Range<Int>] = []
    for positions in steppedBy + [free] {
      let start = next
      for position in positions {
        offsets[position] = next
        next += specifications[position].shape.count
      }
      ranges.append(start..<next)
    }
    self.problem = problem
    self.nets = nets
    self.steppedBy = steppedBy
    self.ranges = Array(ranges.dropLast())
    parameterCount = next
    parameters = zip(specifications, offsets).map {
      Parameter(specification: $0, offset: $1)
    }
  }

  /// The names of parameters that no net steps: they keep their initial values.
  public var fixedParameters: [String] {
    let stepped = Set(steppedBy.joined())
    return parameters.indices.filter { !stepped.contains($0) }
      .map { parameters[$0].specification.name }
  }
}
