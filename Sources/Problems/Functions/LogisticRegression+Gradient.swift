internal import CKernels
internal import Layers
package import Tensors

extension LogisticRegression: DirectGradient {
  private var columns: Int { parameters[0].shape[0] }
  private var outputs: Int { parameters[0].shape[1] }
  /// Rows that a loss sees.
  private var rows: Int {
    guard let table else { return constants[0].shape[0] }
    return batchSize > 0 ? batchSize : table.labels.count
  }

  private var dense: DenseLayer { DenseLayer(rows: rows, inputs: columns, outputs: outputs) }

  /// Where the products are small; drawn classes must be told by loops.
  package var findsGradients: Bool {
    dense.isSmall && (table != nil || rows * columns <= loopProductLimit)
  }

  /// Where things lie in the memory of a call, in floats.
  private struct Layout {
    let drawn, targets, labels, chosen, outputs, losses, cotangent, scratch, count: Int

    init(_ dense: DenseLayer, draws: Bool) {
      let (rows, outputs) = (dense.rows, dense.outputs)
      var places = FloatLayout()
      drawn = places.take(draws ? rows * dense.inputs : 0)
      targets = places.take(rows)
      labels = places.take(rows)
      chosen = places.take(rows)
      self.outputs = places.take(rows * outputs)
      losses = places.take(rows * outputs)
      cotangent = places.take(rows * outputs)
      scratch = places.count
      count = places.count + dense.scratchFloats
    }
  }

  /// The mean cross-entropy and the penalty, and their gradient.
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    let layout = Layout(dense, draws: table != nil && batchSize > 0)
    if memory.count < layout.count {
      memory = Tensor(uninitialized: Shape(vector: layout.count)) { _ in }
    }
    return memory.withUnsafeMutableFloats { memory in
      func from(_ x: UnsafePointer<Float>) -> Float {
        lossAndGradient(of: x, at: parameters, offsets: offsets, memory, layout, into: gradient)
      }
      guard let table else {
        return constants[0].withUnsafeFloats { x in
          tell(constants, x, into: memory + layout.targets)
          return from(x)
        }
      }
      guard batchSize > 0 else {
        for row in 0..<rows { note(table.labels[row], row, memory, layout) }
        return table.rows.withUnsafeFloats(from)
      }
      let chosen = integers(memory + layout.chosen)
      for row in 0..<rows {
        let index = minibatch.nextInteger(below: table.labels.count)
        chosen[row] = Int32(index)
        note(table.labels[index], row, memory, layout)
      }
      let drawn = memory + layout.drawn
      table.rows.withUnsafeFloats {
        ck_gather_rows_f32(Int64(rows), Int64(columns), $0, chosen, drawn)
      }
      return from(drawn)
    }
  }

  /// The same place for whole numbers.
  private func integers(_ place: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(place).bindMemory(to: Int32.self, capacity: rows)
  }

  /// Of two classes the second is a target of 1.
  private func note(
    _ label: Int32, _ row: Int, _ memory: UnsafeMutablePointer<Float>, _ layout: Layout
  ) {
    if classCount == 2 {
      memory[layout.targets + row] = Float(label)
    } else {
      integers(memory + layout.labels)[row] = label
    }
  }

  /// Which class each drawn row is of.
  private func tell(
    _ constants: [Tensor], _ x: UnsafePointer<Float>, into targets: UnsafeMutablePointer<Float>
  ) {
    ProductLog.note(m: rows, n: 1, k: columns)
    constants[1].withUnsafeFloats {
      ck_batched_product_f32(1, Int64(rows), 1, Int64(columns), x, 0, 0, $0, 0, 0, targets)
    }
    ck_unary_f32(CK_SIGMOID, Int64(rows), targets, targets)
    constants[2].withUnsafeFloats { chance in
      for row in 0..<rows { targets[row] = targets[row] > chance[row] ? 1 : 0 }
    }
  }

  private func lossAndGradient(
    of x: UnsafePointer<Float>, at parameters: UnsafePointer<Float>, offsets: [Int],
    _ memory: UnsafeMutablePointer<Float>,
    _ layout: Layout, into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    let (m, n, k) = (Int64(rows), Int64(outputs), Int64(columns))
    let dense = dense
    let w = parameters + offsets[0]
    let dw = gradient + offsets[0]
    let (z, losses, dz) = (
      memory + layout.outputs, memory + layout.losses, memory + layout.cotangent
    )
    let scratch = memory + layout.scratch
    dense.apply(x, w: w, b: parameters + offsets[1], sums: z, result: z, scratch: scratch)
    var loss: Float
    let share = 1 / Float(rows)
    let targets = memory + layout.targets
    let labels = integers(memory + layout.labels)
    if classCount == 2 {
      ck_binary_f32(CK_MULTIPLY, m, z, targets, dz)
      ck_unary_f32(CK_SOFTPLUS, m, z, losses)
      ck_binary_f32(CK_SUBTRACT, m, losses, dz, losses)
      loss = Float(ck_sum_f32(m, losses)) * share
    } else {
      loss = ck_cross_entropy_f32(m, n, z, labels)
    }
    if penalty != 0 {
      // The gradient's place holds the squares before.
      ck_unary_f32(CK_SQUARE, n * k, w, dw)
      loss += Float(ck_sum_f32(n * k, dw)) * (penalty / 2)
    }
    guard loss.isFinite else { return loss }
    if classCount == 2 {
      ck_unary_f32(CK_SIGMOID, m, z, dz)
      for row in 0..<rows { dz[row] = share * dz[row] - share * targets[row] }
    } else {
      ck_cross_entropy_gradient_f32(m, n, z, labels, share, dz)
    }
    dense.parameterGradient(x, sums: dz, w: dw, b: gradient + offsets[1], scratch: scratch)
    if penalty != 0 { for index in 0..<columns * outputs { dw[index] += penalty * w[index] } }
    return loss
  }
}
