package import Tensors

/// A problem that finds its loss's gradient without a tape: for problems whose steps take microseconds,
/// of which a tape and new tensors would be a good part.
package protocol DirectGradient: Problem {
  /// Whether this one can: it follows from sizes and data.
  var findsGradients: Bool { get }

  /// The loss and its gradient, to the bits of differentiating `loss`.
  ///
  /// - Parameters:
  ///   - parameters: the address of a vector in which the problem's parameters begin at `offsets`.
  ///   - memory: kept for the next call; what is in it has no meaning.
  ///   - gradient: gets the gradient, in the parameters' places; not if the loss is no finite number.
  /// - Precondition: `findsGradients`.
  func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float
}

extension Problem {
  /// The problem, if it finds gradients without a tape.
  package var withDirectGradient: (any DirectGradient)? {
    guard let problem = self as? any DirectGradient, problem.findsGradients else { return nil }
    return problem
  }
}
