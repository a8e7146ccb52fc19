public import Autodiff
public import Tensors

/// A rule that steps each tensor by itself.
///
/// Descent along the gradient over its norm, at a learned rate:
///
/// ```swift
/// struct NormalizedDescent: TensorwiseOptimizer {
///   static let name = "NormalizedDescent"
///   var options: [String: JSONValue] { [:] }
///   var weights: [VariableSpecification] { [.init("rate", .scalar, .constant(0.01))] }
///   func initialState(of shape: Shape) -> [Tensor] { [] }
///   func update(_ step: TensorStep, state: [Variable], weights: [Variable])
///     -> (update: Variable, state: [Variable])
///   {
///     let norm = (step.gradient.squared().sum() + 1e-12).squareRoot()
///     return (step.gradient * weights[0] / norm * -1, [])
///   }
/// }
/// ```
public protocol TensorwiseOptimizer: LearnedOptimizer {
  /// What is remembered of a tensor of this shape before the first step; the number of tensors does
  /// not depend on the shape's extents, only on its rank.
  func initialState(of shape: Shape) -> [Tensor]

  /// One step of one tensor.
  ///
  /// - Returns: what is added to it, and its next state.
  func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
}

extension TensorwiseOptimizer {
  /// The tensors' states, one after the other.
  public func initialState(of shapes: [Shape]) -> [Tensor] {
    shapes.flatMap { initialState(of: $0) }
  }

  /// Each tensor's own update.
  public func update(_ step: Step, state: [Variable], weights: [Variable])
    -> (updates: [Variable], state: [Variable])
  {
    var rest = state[...]
    var updates: [Variable] = []
    var next: [Variable] = []
    for position in step.gradients.indices {
      let count = initialState(of: step.gradients[position].shape).count
      let (update, after) = update(
        step.tensor(position), state: Array(rest.prefix(count)), weights: weights)
      rest = rest.dropFirst(count)
      updates.append(update)
      next += after
    }
    return (updates, next)
  }
}
