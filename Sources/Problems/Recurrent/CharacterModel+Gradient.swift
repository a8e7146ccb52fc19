internal import CKernels
internal import Datasets
internal import Layers
package import Tensors

/// The places and extents of one loss of a `CharacterModel` and its gradient.
struct CharacterPass: Sendable {
  let length: Int
  let batch: Int
  let embedding: (rows: Int, columns: Int)
  let hidden: Int
  let cell: any RecurrentCellPass
  let output: DenseLayer

  // Places in memory: characters, what steps keep and share, states [length, batch, hidden] after a zero
  // one and their cotangents, an input, scores, and gradients before they are added.
  let characters, kept, shared, states, stateCotangents, x, scores, scoreCotangents: Int
  let sums: [Int]
  let weights, biases, table, scratch, floats: Int

  init(
    cell kind: CharacterModel.Cell, length: Int, batch: Int, embedding: (rows: Int, columns: Int),
    hidden: Int
  ) {
    cell =
      switch kind {
      case .lstm: LSTMPass(batch: batch, inputs: embedding.columns, hidden: hidden)
      case .gru: GRUPass(batch: batch, inputs: embedding.columns, hidden: hidden)
      }
    self.length = length
    self.batch = batch
    self.embedding = embedding
    self.hidden = hidden
    output = DenseLayer(rows: length * batch, inputs: hidden, outputs: embedding.rows)
    var places = FloatLayout()
    characters = places.take((length + 1) * batch)
    kept = places.take(length * cell.floatsKept)
    shared = places.take(cell.floatsShared)
    states = places.take((length + 1) * batch * hidden)
    stateCotangents = places.take(length * batch * hidden)
    x = places.take(batch * embedding.columns)
    scores = places.take(length * batch * embedding.rows)
    scoreCotangents = places.take(length * batch * embedding.rows)
    sums = cell.layers.map { places.take(batch * $0.outputs) }
    weights = places.take(cell.layers.map { $0.inputs * $0.outputs }.max() ?? 0)
    biases = places.take(cell.layers.map(\.outputs).max() ?? 0)
    table = places.take(embedding.rows * embedding.columns)
    scratch = places.count
    floats = places.count + ((cell.layers + [output]).map(\.scratchFloats).max() ?? 0)
  }

  var layers: [DenseLayer] { cell.layers + [output] }
}

extension CharacterModel: DirectGradient {
  /// Where all products are small.
  package var findsGradients: Bool { pass.layers.allSatisfy(\.isSmall) }

  /// The mean cross-entropy of the characters of one minibatch of passages, and its gradient.
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    if memory.count < pass.floats {
      memory = Tensor(uninitialized: Shape(vector: pass.floats)) { _ in }
    }
    return memory.withUnsafeMutableFloats { memory in
      let count = (pass.length + 1) * pass.batch
      return (memory + pass.characters).withMemoryRebound(to: Int32.self, capacity: count) {
        text.draw(
          count: pass.batch, length: pass.length, &minibatch,
          into: UnsafeMutableBufferPointer(start: $0, count: count))
        return pass.lossAndGradient(
          of: $0, at: parameters, offsets: offsets, memory: memory, into: gradient)
      }
    }
  }
}

extension CharacterPass {
  func lossAndGradient(
    of characters: UnsafePointer<Int32>, at parameters: UnsafePointer<Float>, offsets: [Int],
    memory: UnsafeMutablePointer<Float>, into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    let places = cell.layers.indices.map {
      (w: parameters + offsets[2 * $0 + 1], b: parameters + offsets[2 * $0 + 2])
    }
    let last = 2 * cell.layers.count + 1
    let (w, b) = (parameters + offsets[last], parameters + offsets[last + 1])
    (memory + states).update(repeating: 0, count: batch * hidden)
    for index in 0..<length {
      let x = memory + x
      ck_gather_rows_f32(
        Int64(batch), Int64(embedding.columns), parameters + offsets[0],
        characters + index * batch, x)
      cell.apply(
        step(index, memory), places, shared: memory + shared, scratch: memory + scratch,
        into: state(index + 1, memory))
    }
    let scores = memory + scores
    let (rows, classes) = (Int64(length * batch), Int64(embedding.rows))
    output.apply(
      state(1, memory), w: w, b: b, sums: scores, result: scores, scratch: memory + scratch)
    let labels = characters + batch
    let loss = ck_cross_entropy_f32(rows, classes, scores, labels)
    guard loss.isFinite else { return loss }

    let cotangent = memory + scoreCotangents
    ck_cross_entropy_gradient_f32(
      rows, classes, scores, labels, 1 / Float(length * batch), cotangent)
    output.parameterGradient(
      state(1, memory), sums: cotangent, w: gradient + offsets[last],
      b: gradient + offsets[last + 1], scratch: memory + scratch)
    output.inputGradient(
      sums: cotangent, w: w, into: memory + stateCotangents, scratch: memory + scratch)
    for index in (0..<length).reversed() {
      pullBack(
        index, characters + index * batch, places, offsets, memory: memory, into: gradient)
    }
    return loss
  }

  /// The state before a step, or after the last.
  private func state(
    _ index: Int, _ memory: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> { memory + states + index * batch * hidden }

  private func step(_ index: Int, _ memory: UnsafeMutablePointer<Float>) -> RecurrentStep {
    let kept = memory + kept + index * cell.floatsKept
    return RecurrentStep(
      x: memory + x, h: state(index, memory), kept: kept,
      keptBefore: index > 0 ? kept - cell.floatsKept : nil)
  }

  /// One step's part of the gradient of the cell and the embedding.
  private func pullBack(
    _ index: Int, _ characters: UnsafePointer<Int32>,
    _ places: LayerPlaces<UnsafePointer<Float>>, _ offsets: [Int],
    memory: UnsafeMutablePointer<Float>, into gradient: UnsafeMutablePointer<Float>
  ) {
    let isLast = index == length - 1
    let step = step(index, memory)
    let cotangent = memory + stateCotangents + index * batch * hidden
    let sums = sums.map { memory + $0 }
    let x = memory + x
    cell.pullBack(
      step, places, cotangent: cotangent, isLast: isLast, shared: memory + shared,
      scratch: memory + scratch, sums: sums, x: x,
      h: index > 0 ? cotangent - batch * hidden : nil)
    for (layer, dense) in cell.layers.enumerated() {
      let w = gradient + offsets[2 * layer + 1]
      let b = gradient + offsets[2 * layer + 2]
      dense.parameterGradient(
        cell.input(of: layer, step), sums: sums[layer], w: isLast ? w : memory + weights,
        b: isLast ? b : memory + biases, scratch: memory + scratch)
      guard !isLast else { continue }
      add(dense.inputs * dense.outputs, memory + weights, into: w)
      add(dense.outputs, memory + biases, into: b)
    }
    let table = gradient + offsets[0]
    ck_scatter_rows_f32(
      Int64(batch), Int64(embedding.columns), x, characters, Int64(embedding.rows),
      isLast ? table : memory + self.table)
    if !isLast { add(embedding.rows * embedding.columns, memory + self.table, into: table) }
  }
}
