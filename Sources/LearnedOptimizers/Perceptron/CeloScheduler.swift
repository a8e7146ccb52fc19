internal import CKernels
internal import Tensors

/// Celo's scheduler, forward and without a tensor a step: what `Celo.scalars` computes, to rounding.
///
/// All tensors see the same, so that rows of h and c that were the same stay so: they are computed once.
final class CeloScheduler {
  private static let units = Celo.units
  private static let times = Celo.fractions.count
  private static let features = times + Celo.halfLives - 1

  // Those after the perceptron's, in the order of `Celo.weights`.
  private var weights: [Tensor] = []
  private var decays: [Double] = []
  private var plannedSteps: Int?
  private var scratch = Tensor.zeros(Shape(vector: features + 9 * units))
  // The state's h and c while they are written.
  private var hidden = Tensor([0])
  private var cell = Tensor([0])

  private typealias Floats = UnsafeMutablePointer<Float>

  /// Where things lie in the scratch memory.
  private struct Places {
    let seen, inputs, gates, other, hidden, cell: Floats

    init(_ scratch: Floats) {
      seen = scratch
      // Mixed features, then h.
      inputs = seen + features
      gates = inputs + 2 * units
      other = gates + 4 * units
      hidden = other + units
      cell = hidden + units
    }
  }

  func load(_ weights: [Tensor]) { self.weights = weights }

  /// The factors of the tensors' directions at a step; advances h, c, the means and the minima, the last
  /// four tensors of the state.
  func find(_ input: StepInput, state: inout OptimizerState, into sizes: inout [Float]) {
    let tensors = state.shapes.count
    if sizes.count != tensors { sizes = [Float](repeating: 0, count: tensors) }
    let total = Double(input.count ?? Celo.unknownCount)
    if decays.isEmpty || plannedSteps != input.count {
      decays = Celo.decays(total: total)
      plannedSteps = input.count
    }
    scratch.withUnsafeMutableFloats { scratch in
      let places = Places(scratch)
      for (index, fraction) in Celo.fractions.enumerated() {
        places.seen[index] = Celo.progress(index: state.step, total: total, fraction: fraction)
      }
      lookAtLoss(input.loss, &state, into: places.seen + Self.times)
      mix(places)
      swap(&hidden, &state.tensors[tensors])
      swap(&cell, &state.tensors[tensors + 1])
      hidden.withUnsafeMutableFloats { hidden in
        cell.withUnsafeMutableFloats { cell in
          if state.step == 0 { start(tensors, hidden, cell) }
          advance(tensors, hidden, cell, places, &sizes)
        }
      }
      swap(&hidden, &state.tensors[tensors])
      swap(&cell, &state.tensors[tensors + 1])
    }
  }

  /// Nine features of the course of the loss, as `Celo.lossFeatures` has them.
  private func lookAtLoss(_ loss: Float, _ state: inout OptimizerState, into features: Floats) {
    let count = Celo.halfLives
    let first = state.shapes.count + 2
    let step = Double(state.step + 1)
    let knows = state.step + 1 > 2
    func correction(_ index: Int) -> Float { Float(1 / (1 - power(decays[index], step))) }
    // The corrected means, one after the other.
    var before: (mean: Float, lowest: Float) = (0, 0)
    var largest = -Float.infinity
    state.tensors[first].withUnsafeFloats { means in
      for index in 0..<count { largest = max(largest, means[index] * correction(index)) }
    }
    let old = state.step == 0 ? loss : largest
    let limited = min(loss, abs(old) * 2)
    for index in 0..<count {
      let decay = decays[index]
      let mean = state.tensors[first].withUnsafeMutableFloats { means in
        means[index] = means[index] * Float(decay) + limited * Float(1 - decay)
        return means[index] * correction(index)
      }
      let lowest = state.tensors[first + 1].withUnsafeMutableFloats { minima in
        minima[index] = min(minima[index], mean)
        return minima[index]
      }
      if index > 0 {
        let above = max(mean - before.lowest, 1e-8)
        let ratio = (before.mean - before.lowest) / above
        features[index - 1] = knows ? min(max(ratio - 1, -1), 1) : 0
      }
      before = (mean, lowest)
    }
  }

  /// linear_2(x) + relu(linear_1(x)): the maximum over tensors is what each has.
  private func mix(_ places: Places) {
    layer(8, places.seen, Self.features, into: places.inputs, Self.units)
    layer(6, places.seen, Self.features, into: places.other, Self.units)
    let units = Int64(Self.units)
    ck_unary_f32(CK_RELU, units, places.other, places.other)
    ck_binary_f32(CK_ADD, units, places.inputs, places.other, places.inputs)
  }

  private func start(_ tensors: Int, _ hidden: Floats, _ cell: Floats) {
    for (target, initial) in [(hidden, weights[2]), (cell, weights[3])] {
      initial.withUnsafeFloats { initial in
        for row in 0..<tensors {
          (target + row * Self.units).update(from: initial, count: Self.units)
        }
      }
    }
  }

  private func advance(
    _ tensors: Int, _ hidden: Floats, _ cell: Floats, _ places: Places, _ sizes: inout [Float]
  ) {
    guard tensors > 0 else { return }
    let units = Self.units
    // The first row's results are kept apart while others are compared with what it was.
    sizes[0] = advance(hidden, cell, places, places.hidden, places.cell)
    for row in 1..<tensors {
      let (h, c) = (hidden + row * units, cell + row * units)
      if isSame(h, hidden) && isSame(c, cell) {
        h.update(from: places.hidden, count: units)
        c.update(from: places.cell, count: units)
        sizes[row] = sizes[0]
      } else {
        sizes[row] = advance(h, c, places, h, c)
      }
    }
    hidden.update(from: places.hidden, count: units)
    cell.update(from: places.cell, count: units)
  }

  /// One row of the LSTM: its new h and c, and the factor that follows.
  private func advance(
    _ h: Floats, _ c: Floats, _ places: Places, _ nextH: Floats, _ nextC: Floats
  ) -> Float {
    let width = Self.units
    let units = Int64(width)
    (places.inputs + width).update(from: h, count: width)
    layer(0, places.inputs, 2 * width, into: places.gates, 4 * width)
    // Haiku's order: input, candidate, forget, output.
    let (i, g, f, o) = (
      places.gates, places.gates + width, places.gates + 2 * width, places.gates + 3 * width
    )
    ck_affine_f32(units, f, 1, 1, f)
    ck_unary_f32(CK_SIGMOID, units, i, i)
    ck_unary_f32(CK_SIGMOID, 2 * units, f, f)
    ck_unary_f32(CK_TANH, units, g, g)
    ck_binary_f32(CK_MULTIPLY, units, f, c, nextC)
    ck_binary_f32(CK_MULTIPLY, units, i, g, i)
    ck_binary_f32(CK_ADD, units, nextC, i, nextC)
    ck_unary_f32(CK_TANH, units, nextC, nextH)
    ck_binary_f32(CK_MULTIPLY, units, o, nextH, nextH)
    layer(12, nextH, width, into: places.other, 1)
    ck_unary_f32(CK_EXP, 1, places.other, places.other)
    return places.other[0] * 0.1
  }

  /// x w + b with the weights at `index` and behind it.
  private func layer(
    _ index: Int, _ x: Floats, _ count: Int, into y: Floats, _ width: Int
  ) {
    weights[index].withUnsafeFloats { w in
      ck_batched_product_f32(
        1, 1, Int64(width), Int64(count), x, 0, 0, w, 0, 0, y)
    }
    weights[index + 1].withUnsafeFloats { b in
      ck_binary_f32(CK_ADD, Int64(width), y, b, y)
    }
  }

  private func isSame(_ a: Floats, _ b: Floats) -> Bool {
    for index in 0..<Self.units where a[index].bitPattern != b[index].bitPattern { return false }
    return true
  }
}
