internal import Autodiff
public import Datasets
internal import Layers
public import Tensors

/// Problems of several families, each family as likely as its weight says.
public struct Mixture: ProblemFamily {
  private let families: [any ProblemFamily]
  /// The sums of the weights up to each family, as parts of all.
  private let bounds: [Float]

  /// A mixture of `families`, equally likely unless weights are given.
  ///
  /// - Throws: `ProblemError.wrongNumberOfWeights` unless there is a family and one weight each.
  /// - Precondition: no weight below 0, and one above.
  public init(_ families: [any ProblemFamily], weights: [Float]? = nil) throws(ProblemError) {
    let weights = weights ?? families.map { _ in 1 }
    guard weights.count == families.count, !families.isEmpty else {
      throw .wrongNumberOfWeights(problems: families.count, weights: weights.count)
    }
    let total = weights.reduce(0, +)
    precondition(total > 0 && weights.allSatisfy { $0 >= 0 }, "weights \(weights)")
    self.families = families
    var sum: Float = 0
    bounds = weights.map {
      sum += $0
      return sum / total
    }
  }

  /// All families' data sets, each once.
  public var datasets: [ImageDataset] {
    var sources: Set<String> = []
    return families.flatMap(\.datasets).filter {
      sources.insert("\($0.name) \($0.source) \($0.height) \($0.width) \($0.channels)").inserted
    }
  }

  /// A problem of one of the families.
  public func member(_ stream: inout RandomStream) -> any Problem {
    let chance = stream.nextUniform()
    let last = families.count - 1
    let index = bounds.firstIndex { chance < $0 } ?? last
    return MixtureMember(base: families[index].member(&stream), family: families[index])
  }

  /// What the member's family makes of the loss.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    member.normalized(loss, of: member)
  }
}

/// A problem that remembers its family.
private struct MixtureMember: Problem {
  let base: any Problem
  let family: any ProblemFamily

  var parameters: [VariableSpecification] { base.parameters }
  var constants: [VariableSpecification] { base.constants }
  var datasets: [ImageDataset] { base.datasets }

  func normalized(_ loss: Double, of member: any Problem) -> Double {
    family.normalized(loss, of: base)
  }

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    base.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
  }
}
