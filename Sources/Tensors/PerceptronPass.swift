internal import CKernels

/// A perceptron's mean cross-entropy on a minibatch, and its gradient, without a tape and in memory
/// that is the caller's.
///
/// The bits of `Tensor.dense` and `Tensor.meanCrossEntropy`, layer by layer, and of their derivatives on
/// a tape.
package struct PerceptronPass {
  /// A layer and its places in memory.
  private struct Layer {
    let dense: DenseLayer
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
    var places = FloatLayout()
    _ = places.take(rows * inputs)
    var width = inputs
    for (index, size) in sizes.enumerated() {
      let dense = DenseLayer(
        rows: rows, inputs: width, outputs: size,
        function: index < sizes.count - 1 ? function : .identity)
      guard dense.isSmall else { return nil }
      let result = places.take(rows * size)
      layers.append(
        Layer(
          dense: dense, result: result,
          source: dense.function.slopeFollowsFromResult ? result : places.take(rows * size)))
      width = size
    }
    let widest = rows * (sizes.max() ?? 0)
    cotangents = (places.take(widest), places.take(widest))
    scratch = places.count
    floats = places.count + (layers.map(\.dense.scratchFloats).max() ?? 0)
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
      layer.dense.apply(
        x, w: parameters + offsets[2 * index], b: parameters + offsets[2 * index + 1],
        sums: memory + layer.source, result: memory + layer.result, scratch: scratch)
      x = memory + layer.result
    }
    let classes = Int64(layers.last?.dense.outputs ?? 0)
    let loss = ck_cross_entropy_f32(count, classes, x, labels)
    guard loss.isFinite else { return loss }

    var (cotangent, other) = (memory + cotangents.0, memory + cotangents.1)
    ck_cross_entropy_gradient_f32(count, classes, x, labels, 1 / Float(rows), cotangent)
    for index in layers.indices.reversed() {
      let dense = layers[index].dense
      let below = index > 0 ? layers[index - 1] : nil
      dense.parameterGradient(
        memory + (below?.result ?? 0), sums: cotangent, w: gradient + offsets[2 * index],
        b: gradient + offsets[2 * index + 1], scratch: scratch)
      guard let below else { break }
      dense.inputGradient(
        sums: cotangent, w: parameters + offsets[2 * index], into: other, scratch: scratch)
      if below.dense.function == .identity {
        swap(&cotangent, &other)
      } else {
        below.dense.pullBack(other, source: memory + below.source, into: cotangent)
      }
    }
    return loss
  }
}
