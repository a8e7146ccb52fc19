public import Autodiff
public import Tensors

/// A rule whose rows don't see each other: whatever it computes for a row depends on that row of the
/// gradient and state alone.
///
/// So rows of any tensors can be joined and cut into blocks, which is what lets the meta-gradient be
/// computed block by block in the cache.
public protocol RowwiseOptimizer: LearnedOptimizer {
  /// How many gradient entries make one row: 1 for coordinate-wise rules.
  var rowWidth: Int { get }

  /// Whether `rows(from:)` leaves the elements in their order, so that tensors can be joined without
  /// moving them.
  var rowsAreContiguous: Bool { get }

  /// The gradient of one tensor as rows [R, rowWidth].
  func rows(from gradient: Variable) -> Variable

  /// The inverse of `rows(from:)`: an update in the tensor's shape.
  func update(fromRows rows: Variable, shape: Shape) -> Variable

  /// The shapes of the state tensors for one row, without the leading row axis.
  var rowStateShapes: [Shape] { get }

  /// One step of all rows.
  ///
  /// - Parameters:
  ///   - rows: gradients [R, rowWidth].
  ///   - state: tensors [R, ...] with the axes of `rowStateShapes`; zeros at first.
  ///   - index: how many steps were taken before.
  ///   - weights: values of `weights`, in order.
  /// - Returns: what is added to the parameters [R, rowWidth], and the next state.
  func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
}

extension RowwiseOptimizer {
  /// One row an element.
  public var rowWidth: Int { 1 }

  /// Rows are consecutive elements.
  public var rowsAreContiguous: Bool { true }

  /// Consecutive elements make a row.
  public func rows(from gradient: Variable) -> Variable {
    gradient.reshaped(to: Shape(rows: gradient.value.count / rowWidth, columns: rowWidth))
  }

  /// Consecutive elements make a row.
  public func update(fromRows rows: Variable, shape: Shape) -> Variable {
    rows.reshaped(to: shape)
  }

  /// Zeros: the states of all tensors' rows, joined.
  public func initialState(of shapes: [Shape]) -> [Tensor] {
    let rows = shapes.reduce(0) { $0 + $1.count } / rowWidth
    return rowStateShapes.map { .zeros(Shape([rows] + $0.dimensions)) }
  }

  /// The rows of all tensors, joined, stepped and taken apart.
  public func update(_ step: Step, state: [Variable], weights: [Variable])
    -> (updates: [Variable], state: [Variable])
  {
    let parts = step.gradients.map { rows(from: $0) }
    let joined = parts.dropFirst().reduce(parts[0]) { $0.concatenated(with: $1, axis: 0) }
    let (update, next) = update(rows: joined, state: state, index: step.index, weights: weights)
    var start = 0
    let updates = zip(parts, step.gradients).map { part, gradient in
      let count = part.shape[0]
      defer { start += count }
      return self.update(
        fromRows: update.slice(axis: 0, from: start, count: count), shape: gradient.shape)
    }
    return (updates, next)
  }

  /// The engine that takes rows block by block.
  public func makeEngine() -> any OptimizerEngine { RowEngine(self) }

  // MARK: - Vectors as rows

  /// The rows [R, rowWidth] of tensors that lie one after the other in a vector; a view where rows
  /// are contiguous.
  func rows(in vector: Tensor, shapes: [Shape]) -> Tensor {
    if rowsAreContiguous {
      return vector.reshaped(to: Shape(rows: vector.count / rowWidth, columns: rowWidth))
    }
    var offset = 0
    let parts = shapes.map { shape in
      defer { offset += shape.count }
      return rows(from: Variable(vector.view(from: offset, shape: shape))).value
    }
    return .concatenated(parts, axis: 0)
  }

  /// The inverse of `rows(in:shapes:)`.
  func vector(ofRows rows: Tensor, shapes: [Shape]) -> Tensor {
    if rowsAreContiguous { return rows.reshaped(to: Shape(vector: rows.count)) }
    var start = 0
    let parts = shapes.map { shape in
      let count = shape.count / rowWidth
      defer { start += count }
      let part = rows.slice(axis: 0, from: start, count: count)
      return update(fromRows: Variable(part), shape: shape).value
        .reshaped(to: Shape(vector: shape.count))
    }
    return .concatenated(parts, axis: 0)
  }
}
