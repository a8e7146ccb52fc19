public import Autodiff
public import Layers
public import Tensors

/// A weighted sum of problems, each with its own variables under `problem_{i}/`.
public struct Ensemble: Problem {
  private let members: [any Problem]
  private let weights: [Float]
  /// The members' parameters, prefixed.
  public let parameters: [VariableSpecification]
  /// The members' constants, prefixed.
  public let constants: [VariableSpecification]

  /// The sum of `problems`, weighted by `weights` (all 1 when nil).
  ///
  /// - Throws: `ProblemError.wrongNumberOfWeights` unless there is one weight a problem.
  public init(_ problems: [any Problem], weights: [Float]? = nil) throws(ProblemError) {
    let weights = weights ?? problems.map { _ in 1 }
    guard weights.count == problems.count, !problems.isEmpty else {
      throw .wrongNumberOfWeights(problems: problems.count, weights: weights.count)
    }
    members = problems
    self.weights = weights
    func prefixed(
      _ variables: (any Problem) -> [VariableSpecification]
    ) -> [VariableSpecification] {
      problems.enumerated().flatMap { index, problem in
        variables(problem).map {
          VariableSpecification("problem_\(index)/\($0.name)", $0.shape, $0.initializer)
        }
      }
    }
    parameters = prefixed { $0.parameters }
    constants = prefixed { $0.constants }
  }

  /// The weighted sum of the members' losses.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    var parameters = parameters[...]
    var constants = constants[...]
    var total: Variable?
    for (member, weight) in zip(members, weights) {
      let p = member.parameters.count
      let c = member.constants.count
      let loss = member.loss(
        parameters: Array(parameters.prefix(p)), constants: Array(constants.prefix(c)),
        minibatch: &minibatch)
      parameters = parameters.dropFirst(p)
      constants = constants.dropFirst(c)
      total = total.map { $0 + loss * weight } ?? loss * weight
    }
    // There is at least one member.
    return total ?? Variable(0)
  }
}
