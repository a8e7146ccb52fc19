public import Autodiff
public import Layers
public import Tensors

/// A function to be minimized: what learned optimizers are trained on.
///
/// Conforming types are descriptions without state; all that varies between instances is passed in.
///
/// ```swift
/// struct Bowl: Problem {
///   let parameters = [VariableSpecification("x", [3], .normal(standardDeviation: 1))]
///   func loss(
///     parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
///   ) -> Variable { parameters[0].squared().sum() }
/// }
/// ```
public protocol Problem: ProblemFamily {
  /// What is optimized.
  var parameters: [VariableSpecification] { get }

  /// What is re-drawn at every reset together with the parameters, but not optimized.
  var constants: [VariableSpecification] { get }

  /// The loss, a scalar that can be differentiated twice with respect to the parameters.
  ///
  /// - Parameters:
  ///   - parameters: values of `parameters`, in order.
  ///   - constants: values of `constants`, in order.
  ///   - minibatch: random numbers for this one evaluation of the loss; the same stream gives the
  ///     same minibatch.
  func loss(parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream) -> Variable
}

extension Problem {
  /// No constants.
  public var constants: [VariableSpecification] { [] }
}
