internal import CKernels

/// A perceptron's mean cross-entropy on a minibatch, and its gradient, without a tape and in memory
/// that is the caller's.
///
/// The bits of `Tensor.dense` and `Tensor.meanCrossEntropy`, layer by layer, and of their derivatives on
/// a tape: the same kernels in the same order.
package struct PerceptronPass {
  /// A layer's place in the vector of parameters and in memory.
  private struct Layer {
    let inputs: Int
    let outputs: Int
    let function: ElementwiseFunction
    /// Where its results begin, and what its slopes are told from.
    let result: Int
    let source: Int
  }

  private let rows: Int
  private var layers: [Layer] = []
  private let cotangents: (Int, Int)
  private let scratch: Int
  /// The floats of memory that a pass takes; [rows, inputs] images come first in it.
  package let floats: Int

  /// A perceptron of `inputs` numbers a row and layers of the given sizes, `function` between them.
  ///
  /// - Returns: nil if a product is one for OpenBLAS.
  package init?(rows: Int, inputs: Int, sizes: [Int], function: ElementwiseFunction) {
    self.rows = rows
    var next = 0
    func take(_ count: Int) -> Int {
      defer { next += (count + 15) / 16 * 16 }
      return next
    }
    _ = take(rows * inputs)
    var width = inputs
    for (index, size) in sizes.enumerated() {
      guard rows * width * size <= smallProductLimit else { return nil }
      let own = index < sizes.count - 1 ? function : .identity
      let result = take(rows * size)
      layers.append(
        Layer(
          inputs: width, outputs: size, function: own, result: result,
          source: own.slopeFollowsFromResult ? result : take(rows * size)))
      width = size
    }
    let widest = rows * (sizes.max() ?? 0)
    cotangents = (take(widest), take(widest))
    scratch = next
    floats = layers.reduce(next) { floats, layer in
      let (m, n, k) = (Int64(rows), Int64(layer.outputs), Int64(layer.inputs))
      return max(
        floats,
        next
          + Int(
            max(
              ck_small_product_scratch_floats(m, n, k, 0, 0),
              ck_small_product_scratch_floats(k, n, m, 1, 0),
              ck_small_product_scratch_floats(m, k, n, 0, 1))))
    }
  }

  /// The loss at the layers' weights and biases in turn, which begin at `offsets` of a vector, and its
  /// gradient in the same places of another.
  ///
  /// - Parameter memory: `floats` floats, the images first.
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], labels: UnsafePointer<Int32>,
    memory: UnsafeMutablePointer<Float>, into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    let count = Int64(rows)
    let scratch = memory + self.scratch
    var x = memory
    for index in layers.indices {
      let layer = layers[index]
      let (result, source) = (memory + layer.result, memory + layer.source)
      let outputs = Int64(layer.outputs)
      ProductLog.note(m: rows, n: layer.outputs, k: layer.inputs)
      ck_small_product(
        count, outputs, Int64(layer.inputs), x, 0, parameters + offsets[2 * index], 0, 0, source,
        scratch)
      ck_bias_activation_f32(
        layer.function.kernel, count, outputs, parameters + offsets[2 * index + 1], source, result)
      x = result
    }
    let classes = Int64(layers.last?.outputs ?? 0)
    let loss = ck_cross_entropy_f32(count, classes, x, labels)
    guard loss.isFinite else { return loss }

    var (cotangent, other) = (memory + cotangents.0, memory + cotangents.1)
    ck_cross_entropy_gradient_f32(count, classes, x, labels, 1 / Float(rows), cotangent)
    for index in layers.indices.reversed() {
      let layer = layers[index]
      let (inputs, outputs) = (Int64(layer.inputs), Int64(layer.outputs))
      let below = index > 0 ? layers[index - 1] : nil
      let bias = gradient + offsets[2 * index + 1]
      if layer.outputs == 1 {
        // As a sum to one number is computed.
        bias.pointee = Float(ck_sum_f32(count, cotangent))
      } else {
        ck_sum_rows_f32(count, outputs, cotangent, bias)
      }
      ProductLog.note(m: layer.inputs, n: layer.outputs, k: rows, transposeA: true)
      ck_small_product(
        inputs, outputs, count, memory + (below?.result ?? 0), 1, cotangent, 0, 0,
        gradient + offsets[2 * index], scratch)
      guard let below else { break }
      ProductLog.note(m: rows, n: layer.inputs, k: layer.outputs, transposeB: true)
      ck_small_product(
        count, inputs, outputs, cotangent, 0, parameters + offsets[2 * index], 1, 0, other, scratch)
      if below.function == .identity {
        swap(&cotangent, &other)
      } else {
        ck_activation_gradient_f32(
          below.function.kernel, count * inputs, memory + below.source, other, cotangent)
      }
    }
    return loss
  }
}
