internal import CKernels

/// A dense layer f(x w + b) of x [rows, inputs] and its derivatives without a tape, in memory that is
/// the caller's.
///
/// The bits of `Tensor.dense` and of its derivative on a tape: the same kernels in the same order.
package struct DenseLayer: Sendable {
  /// Rows of x.
  package let rows: Int
  /// Numbers in a row of x.
  package let inputs: Int
  /// Numbers in a row of the result.
  package let outputs: Int
  /// f.
  package let function: ElementwiseFunction

  /// A layer of these extents.
  package init(
    rows: Int, inputs: Int, outputs: Int, function: ElementwiseFunction = .identity
  ) {
    self.rows = rows
    self.inputs = inputs
    self.outputs = outputs
    self.function = function
  }

  /// Whether its products are for loops; those of others are OpenBLAS's, and not computed here.
  package var isSmall: Bool { rows * inputs * outputs <= smallProductLimit }

  /// The floats of scratch that a call takes.
  package var scratchFloats: Int {
    let (m, n, k) = extents
    return Int(
      max(
        ck_small_product_scratch_floats(m, n, k, 0, 0),
        ck_small_product_scratch_floats(k, n, m, 1, 0),
        ck_small_product_scratch_floats(m, k, n, 0, 1)))
  }

  private var extents: (Int64, Int64, Int64) { (Int64(rows), Int64(outputs), Int64(inputs)) }

  /// f(x w + b), into `result`, with x w + b in `sums`, which may be the same place.
  package func apply(
    _ x: UnsafePointer<Float>, w: UnsafePointer<Float>, b: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Float>, result: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (m, n, k) = extents
    ProductLog.note(m: rows, n: outputs, k: inputs)
    ck_small_product(m, n, k, x, 0, w, 0, 0, sums, scratch)
    ck_bias_activation_f32(function.kernel, m, n, b, sums, result)
  }

  /// The cotangent of x w + b from the result's, told from the result, or from the sums for SiLU and
  /// GELU.
  package func pullBack(
    _ cotangent: UnsafePointer<Float>, source: UnsafePointer<Float>,
    into sums: UnsafeMutablePointer<Float>
  ) {
    ck_activation_gradient_f32(function.kernel, Int64(rows * outputs), source, cotangent, sums)
  }

  /// The gradients of w and b from the cotangent of x w + b.
  package func parameterGradient(
    _ x: UnsafePointer<Float>, sums cotangent: UnsafePointer<Float>,
    w: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (m, n, k) = extents
    if outputs == 1 {
      // As a sum to one number is computed.
      b.pointee = Float(ck_sum_f32(m, cotangent))
    } else {
      ck_sum_rows_f32(m, n, cotangent, b)
    }
    ProductLog.note(m: inputs, n: outputs, k: rows, transposeA: true)
    ck_small_product(k, n, m, x, 1, cotangent, 0, 0, w, scratch)
  }

  /// The cotangent of x from that of x w + b.
  package func inputGradient(
    sums cotangent: UnsafePointer<Float>, w: UnsafePointer<Float>,
    into x: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    let (m, n, k) = extents
    ProductLog.note(m: rows, n: inputs, k: outputs, transposeB: true)
    ck_small_product(m, k, n, cotangent, 0, w, 1, 0, x, scratch)
  }
}
