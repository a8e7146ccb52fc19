public import Autodiff
public import Layers
public import Tensors

/// f = sum over i of x_i^2 - a cos(2 pi x_i) + a: a bowl full of pits.
///
/// L. A. Rastrigin, "Systems of extremal control", 1974. Parameter `x` [D] starts uniformly in
/// [-5.12, 5.12); the minimum is 0 at 0.
public struct Rastrigin: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]
  private let amplitude: Float

  /// The function of `dimensions` variables with pits of the depth 2 `amplitude`.
  ///
  /// - Precondition: one dimension at least.
  public init(dimensions: Int = 2, amplitude: Float = 10) {
    precondition(dimensions >= 1, "\(dimensions) dimensions")
    self.amplitude = amplitude
    parameters = [VariableSpecification("x", [dimensions], .uniformBetween(-5.12, 5.12))]
  }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0]
    let waves = (x * (2 * .pi)).cosine().affine(scale: -amplitude, offset: amplitude)
    return (x.squared() + waves).sum()
  }
}
