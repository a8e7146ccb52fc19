public import Autodiff
public import Tensors

/// A rule that turns gradients into updates and may have trainable weights.
///
/// Rows are independent: whatever `update` computes for a row depends on that row of the gradient
/// and state alone. This is what lets the meta-gradient be computed block by block.
public protocol LearnedOptimizer: Sendable {
  /// The class's name in saved optimizers, as `CoordinateWiseDeepLSTM`.
  static var name: String { get }

  /// The options that make this optimizer, by name, as saved under `net_options`.
  var options: [String: JSONValue] { get }

  /// The trainable weights; none for classic optimizers.
  var weights: NamedTensors { get set }

  /// How many gradient entries make one row: 1 for coordinate-wise rules.
  var rowWidth: Int { get }

  /// Says whether parameters of this shape can be stepped, and what is expected when not.
  func expectation(unmetBy shape: Shape) -> String?

  /// The gradients of one parameter as rows [R, rowWidth].
  func rows(from gradient: Tensor) -> Tensor

  /// The inverse of `rows(from:)`: an update in the parameter's shape.
  func update(fromRows rows: Tensor, shape: Shape) -> Tensor

  /// Whether `rows(from:)` leaves the elements in their order, so that parameters can be joined
  /// without moving them.
  var rowsAreContiguous: Bool { get }

  /// The shapes of the state tensors for one row, without the leading row axis.
  var rowStateShapes: [Shape] { get }

  /// One step of all rows.
  ///
  /// - Parameters:
  ///   - gradient: [R, rowWidth].
  ///   - state: tensors [R, ...] with the axes of `rowStateShapes`; zeros at first.
  ///   - step: how many steps were taken before.
  ///   - weights: values of `weights`, in order.
  /// - Returns: what is added to the parameters [R, rowWidth], and the next state.
  func update(gradient: Variable, state: [Variable], step: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])

  /// What runs this optimizer over whole parameter vectors with its present weights.
  func makeEngine() -> any OptimizerEngine
}

extension LearnedOptimizer {
  /// One row an element.
  public var rowWidth: Int { 1 }

  /// Rows are consecutive elements.
  public var rowsAreContiguous: Bool { true }

  /// Any shape fits.
  public func expectation(unmetBy shape: Shape) -> String? { nil }

  /// Consecutive elements make a row.
  public func rows(from gradient: Tensor) -> Tensor {
    gradient.reshaped(to: Shape(rows: gradient.count / rowWidth, columns: rowWidth))
  }

  /// Consecutive elements make a row.
  public func update(fromRows rows: Tensor, shape: Shape) -> Tensor { rows.reshaped(to: shape) }

  /// The engine that works for every optimizer.
  public func makeEngine() -> any OptimizerEngine { AutodiffEngine(self) }

  /// The same optimizer with other weights.
  public func withWeights(_ weights: NamedTensors) -> Self {
    var copy = self
    copy.weights = weights
    return copy
  }
}
