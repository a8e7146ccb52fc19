public import Autodiff
public import Layers
public import Tensors

/// f = (1/2) sum over i of a_i (Q (x - y))_i^2 with a_i from 1 down to 1 / condition: a bowl as long as
/// asked for, turned at random.
///
/// The a_i are equally far apart on a logarithmic scale; Q is a product of three reflections, and so an
/// exact rotation, at 12 D operations instead of 2 D^2. Parameter `x` [D] starts at N(0, 1); constants
/// `y` [D] and `reflections` [3, D] from N(0, 1). The Hessian's condition number is `condition` exactly.
public struct ConditionedQuadratic: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]
  /// The constants y [D] and reflections [3, D].
  public let constants: [VariableSpecification]
  private let curvatures: Tensor
  /// The mean of the loss at the start, over all bowls of the kind: the sum of all a_i.
  let meanInitialLoss: Double

  private static let reflectionCount = 3

  /// A bowl of `dimensions` axes.
  ///
  /// - Precondition: one dimension at least, a condition number of 1 or more.
  public init(dimensions: Int = 20, condition: Float = 100) {
    precondition(dimensions >= 1 && condition >= 1, "\(dimensions) axes, condition \(condition)")
    let normal = Initializer.normal(standardDeviation: 1)
    parameters = [VariableSpecification("x", [dimensions], normal)]
    constants = [
      VariableSpecification("y", [dimensions], normal),
      VariableSpecification("reflections", [Self.reflectionCount, dimensions], normal),
    ]
    let step = 1 / Float(max(dimensions - 1, 1))
    let exponents = Tensor((0..<dimensions).map { -Float($0) * step })
    curvatures = (exponents * Tensor(condition).log()).exp()
    meanInitialLoss = curvatures.elements.reduce(0) { $0 + Double($1) }
  }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    var x = parameters[0] - Variable(constants[0])
    for row in 0..<Self.reflectionCount {
      // x - 2 v (v x) / (v v).
      let v = constants[1].view(from: row * x.shape.count, shape: x.shape)
      let scaled = v.affine(scale: Float(2 / v.dot(v)), offset: 0)
      x = x - Variable(scaled) * (x * Variable(v)).sum()
    }
    return (x.squared() * Variable(curvatures)).sum() * 0.5
  }
}
