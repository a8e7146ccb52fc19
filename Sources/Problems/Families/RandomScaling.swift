internal import Autodiff
public import Datasets
internal import Layers
internal import Platform
public import Tensors

/// A family's problems with each number in units of its own and a convex term beside them.
///
/// K. Lv, S. Jiang, J. Li, "Learning gradient descent: better generalization and longer horizons", 2017
/// (https://arxiv.org/abs/1703.03633), section 4: every coordinate is multiplied by exp U(-3, 3), which
/// hides the problem's own scale, and the loss gains the mean over 20 coordinates y of
/// clip((y - a)^2, 0, 10), from y and a in U[-1, 1), scaled by exp U(-1, 1) likewise: part of what is
/// optimized is easy, as it becomes late in every training.
public struct RandomScaling: ProblemFamily {
  private let base: any ProblemFamily
  private let range: Float
  private let hasConvexTerm: Bool

  /// Problems of `base`, with scales between exp(-`range`) and exp(`range`).
  public init(_ base: any ProblemFamily, range: Float = 3, convexTerm: Bool = true) {
    self.base = base
    self.range = range
    hasConvexTerm = convexTerm
  }

  /// The base's data sets.
  public var datasets: [ImageDataset] { base.datasets }

  /// A problem of the base, its scales, then those of the convex term.
  public func member(_ stream: inout RandomStream) -> any Problem {
    let problem = base.member(&stream)
    func scales(_ shape: Shape, _ range: Float) -> Tensor {
      Tensor(
        (0..<shape.count).map { _ in exp(range * (2 * stream.nextUniform() - 1)) }, shape: shape)
    }
    var all = problem.parameters.map { scales($0.shape, range) }
    guard hasConvexTerm else { return ScaledProblem(problem, scales: all) }
    all.append(scales([ConvexTerm.count], 1))
    return ScaledProblem(ConvexTerm(beside: problem), scales: all)
  }

  /// What the base makes of the loss, of which the convex term is a part.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    let problem = (member as? ScaledProblem)?.base ?? member
    return base.normalized(loss, of: (problem as? ConvexTerm)?.base ?? problem)
  }
}

/// A problem plus the mean over 20 numbers y of clip((y - a)^2, 0, 10).
struct ConvexTerm: Problem {
  static let count = 20

  let base: any Problem

  init(beside base: any Problem) { self.base = base }

  var parameters: [VariableSpecification] {
    base.parameters + [VariableSpecification("convex/y", [Self.count], .uniformBetween(-1, 1))]
  }

  var constants: [VariableSpecification] {
    base.constants + [VariableSpecification("convex/a", [Self.count], .uniformBetween(-1, 1))]
  }

  var datasets: [ImageDataset] { base.datasets }

  func normalized(_ loss: Double, of member: any Problem) -> Double {
    base.normalized(loss, of: base)
  }

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let last = parameters.count - 1
    let distance = parameters[last] - Variable(constants[constants.count - 1])
    let term = distance.squared().clamped(low: 0, high: 10).mean()
    return term
      + base.loss(
        parameters: Array(parameters[..<last]), constants: Array(constants.dropLast()),
        minibatch: &minibatch)
  }
}
