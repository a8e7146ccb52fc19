package import Tensors

/// A problem that finds its loss's gradient without a tape: for problems whose steps take microseconds,
/// of which a tape and new tensors would be a good part.
package protocol DirectGradient: Problem {
  /// The loss and its gradient, to the bits of differentiating `loss`.
  ///
  /// - Parameters:
  ///   - parameters: the address of a vector in which the problem's parameters begin at `offsets`.
  ///   - minibatch: untouched if nil is returned.
  ///   - memory: kept for the next call; what is in it has no meaning.
  ///   - gradient: gets the gradient, in the parameters' places; not if the loss is no finite number.
  /// - Returns: the loss, or nil if the tape must do it.
  func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float?
}
