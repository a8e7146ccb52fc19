public import Autodiff
public import Layers
public import Tensors

/// f = mean over b of |W_b x_b - y_b|^2, a batch of random quadratics.
///
/// Parameter `x` [B, D]; constants `w` [B, D, D] and `y` [B, D]. The program draws w and y from
/// U[0, 1), the paper's experiments (section 3.1) from N(0, 1): `distribution` chooses.
public struct Quadratic: Problem {
  /// What w and y are drawn from.
  public enum Distribution: String, Sendable, CaseIterable {
    /// U[0, 1), as the reference program does.
    case uniform
    /// N(0, 1), as in the paper's experiments.
    case gaussian
  }

  /// The parameter x [B, D].
  public let parameters: [VariableSpecification]
  /// The constants w [B, D, D] and y [B, D].
  public let constants: [VariableSpecification]
  private let batchSize: Int
  private let dimensions: Int

  /// A batch of quadratics whose x starts at N(0, `standardDeviation`).
  public init(
    batchSize: Int = 128, dimensions: Int = 10, standardDeviation: Float = 0.01,
    distribution: Distribution = .uniform
  ) {
    precondition(batchSize > 0 && dimensions > 0, "batch \(batchSize), \(dimensions) dimensions")
    self.batchSize = batchSize
    self.dimensions = dimensions
    let drawn: Initializer = distribution == .uniform ? .uniform : .normal(standardDeviation: 1)
    parameters = [
      VariableSpecification(
        "x", [batchSize, dimensions], .normal(standardDeviation: standardDeviation))
    ]
    constants = [
      VariableSpecification("w", [batchSize, dimensions, dimensions], drawn),
      VariableSpecification("y", [batchSize, dimensions], drawn),
    ]
  }

  /// The mean over the batch of the squared distances.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let column = parameters[0].reshaped(to: [batchSize, dimensions, 1])
    let product = Variable.product(Variable(constants[0]), column)
    let target = Variable(constants[1].reshaped(to: product.shape))
    return (product - target).squared().sum() * (1 / Float(batchSize))
  }
}
