internal import CKernels
internal import Tensors

/// What every step of a recurrent cell works on.
struct RecurrentStep {
  /// The input [batch, inputs].
  let x: UnsafePointer<Float>
  /// The state before [batch, hidden]: zeros at first.
  let h: UnsafePointer<Float>
  /// What the step keeps for its derivative: `floatsKept` floats.
  let kept: UnsafeMutablePointer<Float>
  /// What the step before kept; nil at first.
  let keptBefore: UnsafeMutablePointer<Float>?
}

/// The parameters of a cell's layers, or their gradients: weights and biases in turn.
typealias LayerPlaces<Pointer> = [(w: Pointer, b: Pointer)]

/// A recurrent cell and its derivative without a tape, to the bits of the same on a tape: the same
/// kernels, sums in the order in which a tape meets them.
protocol RecurrentCellPass: Sendable {
  /// The layers whose parameters it has.
  var layers: [DenseLayer] { get }
  /// Floats that a step keeps for its derivative.
  var floatsKept: Int { get }
  /// Floats beside them, the same for all steps; what is in them at the first call has no meaning.
  var floatsShared: Int { get }

  /// The state after a step, into `result` [batch, hidden].
  func apply(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    shared: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    into result: UnsafeMutablePointer<Float>)

  /// The derivative of a step; steps come in reverse.
  ///
  /// - Parameters:
  ///   - cotangent: that of the state after it.
  ///   - isLast: whether it is the last step, the first whose derivative is taken.
  ///   - sums: gets the cotangents of every layer's x w + b; `shared` has the layers' inputs where
  ///     `input(of:_:)` says.
  ///   - x: gets the cotangent of its input.
  ///   - h: what is added to, by the cotangent of the state before; nil at the first step.
  func pullBack(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    cotangent: UnsafePointer<Float>, isLast: Bool, shared: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, sums: [UnsafeMutablePointer<Float>],
    x: UnsafeMutablePointer<Float>, h: UnsafeMutablePointer<Float>?)

  /// Where a step kept the input of a layer.
  func input(of layer: Int, _ step: RecurrentStep) -> UnsafePointer<Float>
}

/// Columns of a matrix [rows, width], from `first` on, as a matrix [rows, count] of their own.
func takeColumns(
  rows: Int, count: Int, from source: UnsafePointer<Float>, width: Int, first: Int,
  into target: UnsafeMutablePointer<Float>
) {
  for row in 0..<rows {
    (target + row * count).update(from: source + row * width + first, count: count)
  }
}

/// The same added to a matrix [rows, count].
func addColumns(
  rows: Int, count: Int, from source: UnsafePointer<Float>, width: Int, first: Int,
  into target: UnsafeMutablePointer<Float>
) {
  for row in 0..<rows {
    let (from, to) = (source + row * width + first, target + row * count)
    for column in 0..<count { to[column] += from[column] }
  }
}

/// Rows of x [rows, inputs] and h [rows, hidden] beside each other.
func joinColumns(
  rows: Int, _ x: UnsafePointer<Float>, inputs: Int, _ h: UnsafePointer<Float>, hidden: Int,
  into target: UnsafeMutablePointer<Float>
) {
  let width = inputs + hidden
  putColumns(rows: rows, count: inputs, from: x, into: target, width: width, first: 0)
  putColumns(rows: rows, count: hidden, from: h, into: target, width: width, first: inputs)
}

/// A matrix [rows, count] as columns of another [rows, width], from `first` on.
func putColumns(
  rows: Int, count: Int, from source: UnsafePointer<Float>,
  into target: UnsafeMutablePointer<Float>, width: Int, first: Int
) {
  for row in 0..<rows {
    (target + row * width + first).update(from: source + row * count, count: count)
  }
}

/// The same as a sum with columns of zeros, in which a negative zero becomes 0.
func sumColumns(
  rows: Int, count: Int, from source: UnsafePointer<Float>,
  into target: UnsafeMutablePointer<Float>, width: Int, first: Int
) {
  for row in 0..<rows {
    let (from, to) = (source + row * count, target + row * width + first)
    for column in 0..<count { to[column] = from[column] + 0 }
  }
}

/// y += x.
func add(_ count: Int, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>) {
  ck_binary_f32(CK_ADD, Int64(count), y, x, y)
}

/// y = a b.
func multiply(
  _ count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
  into y: UnsafeMutablePointer<Float>
) {
  ck_binary_f32(CK_MULTIPLY, Int64(count), a, b, y)
}
