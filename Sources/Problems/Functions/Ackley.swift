public import Autodiff
public import Layers
public import Tensors

/// f = -20 exp(-sqrt(mean x^2) / 5) - exp(mean cos(2 pi x)) + 20 + e: a hole in a rippled plain.
///
/// D. H. Ackley, "A connectionist machine for genetic hillclimbing", 1987. Parameter `x` [D] starts
/// uniformly in [-5, 5); the minimum is 0 at 0, where the function has a kink.
public struct Ackley: Problem {
  /// The parameter x [D].
  public let parameters: [VariableSpecification]

  /// The function of `dimensions` variables.
  ///
  /// - Precondition: one dimension at least.
  public init(dimensions: Int = 2) {
    precondition(dimensions >= 1, "\(dimensions) dimensions")
    parameters = [VariableSpecification("x", [dimensions], .uniformBetween(-5, 5))]
  }

  /// The function's value.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let x = parameters[0]
    let hole = (x.squared().mean().squareRoot() * -0.2).exp() * -20
    let ripples = (x * (2 * .pi)).cosine().mean().exp()
    return hole - ripples + 22.718_281_828
  }
}
