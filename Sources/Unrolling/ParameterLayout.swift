public import Layers
internal import LearnedOptimizers
public import Problems
public import Tensors

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
  /// There are more parameters, or numbers of a net's state for them, than a tensor can have.
  case tooLarge(net: String?, parameters: Int, numbers: Int)
}

/// Where a problem's parameters lie in one vector, and which net steps them: one an optimizee.
///
/// Parameters of the first net come first, in the problem's order, then those of the second, ..., at
/// last those that no net steps. A net's coordinates are thus one run.
///
/// A class, because optimizees share it.
public final class ParameterLayout: Sendable {
  /// A parameter and its place in the vector of all.
  public struct Parameter: Sendable {
    /// Name, shape and initial value.
    public let specification: VariableSpecification
    /// Where its elements start.
    public let offset: Int
  }

  /// The problem's parameters in the problem's order, each with its place in the vector.
  public let parameters: [Parameter]
  /// Where each parameter's elements start.
  let offsets: [Int]
  /// For each net, the positions in `parameters` of what it steps.
  public let positions: [[Int]]
  /// For each net, the shapes of what it steps, in the order of the vector.
  public let shapes: [[Shape]]
  /// For each net, its run of the vector.
  public let runs: [Range<Int>]
  /// The length of the vector.
  public let count: Int
  /// The positions of the parameters in the order of the vector.
  private let order: [Int]

  /// Checks and lays out an assignment.
  ///
  /// - Throws: `ExperimentError`.
  public init(_ problem: any Problem, nets: [NetAssignment]) throws(ExperimentError) {
    let specifications = problem.parameters
    let names = specifications.map(\.name)
    var owner: [String: String] = [:]
    var twice: [String] = []
    var clashing: Set<String> = []
    var positionsOfNets: [[Int]] = []
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
        if let expected = net.optimizer.requirement(unmetBy: shape) {
          throw .unfitParameter(
            net: net.key, parameter: names[position], shape: "\(shape)", expected: expected)
        }
      }
      positionsOfNets.append(positions)
    }
    guard twice.isEmpty else {
      throw .doublyAssigned(names: twice, nets: clashing.sorted())
    }
    let free = names.indices.filter { owner[names[$0]] == nil }
    var offsets = [Int](repeating: 0, count: names.count)
    var next = 0
    var ranges: [Range<Int>] = []
    for positions in positionsOfNets + [free] {
      let start = next
      for position in positions {
        offsets[position] = next
        next += specifications[position].shape.count
      }
      ranges.append(start..<next)
    }
    try Self.requireSizes(nets, ranges, count: next)
    positions = positionsOfNets
    shapes = positionsOfNets.map { $0.map { specifications[$0].shape } }
    runs = Array(ranges.dropLast())
    count = next
    order = positionsOfNets.flatMap(\.self) + free
    self.offsets = offsets
    parameters = zip(specifications, offsets).map {
      Parameter(specification: $0, offset: $1)
    }
  }

  private static func requireSizes(
    _ nets: [NetAssignment], _ ranges: [Range<Int>], count: Int
  ) throws(ExperimentError) {
    let most = Int(Int32.max)
    guard count <= most else { throw .tooLarge(net: nil, parameters: count, numbers: count) }
    for (assignment, range) in zip(nets, ranges) {
      guard let net = assignment.optimizer as? any RowwiseOptimizer else { continue }
      let numbers = range.count / net.rowWidth * net.rowStateShapes.reduce(0) { $0 + $1.count }
      guard numbers <= most else {
        throw .tooLarge(net: assignment.key, parameters: range.count, numbers: numbers)
      }
    }
  }

  /// The names of parameters that no net steps: they keep their initial values.
  public var fixedParameters: [String] {
    let stepped = Set(positions.joined())
    return parameters.indices.filter { !stepped.contains($0) }
      .map { parameters[$0].specification.name }
  }

  // MARK: - Vectors

  /// One vector in the layout, from a tensor a parameter in the problem's order.
  public func vector(of values: [Tensor]) -> Tensor {
    for (parameter, value) in zip(parameters, values) {
      precondition(
        value.shape == parameter.specification.shape,
        "a value of shape \(value.shape) for \(parameter.specification.name)")
    }
    if values.count == 1 { return values[0].reshaped(to: Shape(vector: count)) }
    return .joined(order.map { values[$0] })
  }

  /// The part of a vector that belongs to one parameter, in its shape, without a copy.
  public func value(of parameter: Int, in vector: Tensor) -> Tensor {
    let parameter = parameters[parameter]
    return vector.view(from: parameter.offset, shape: parameter.specification.shape)
  }

  /// A net's run of a vector, without a copy.
  public func run(ofNet net: Int, in vector: Tensor) -> Tensor {
    vector.view(from: runs[net].lowerBound, shape: Shape(vector: runs[net].count))
  }

  /// Adds to a net's run of a vector.
  public func add(_ values: Tensor, toRunOfNet net: Int, in vector: inout Tensor) {
    vector.add(values, at: runs[net].lowerBound)
  }
}
