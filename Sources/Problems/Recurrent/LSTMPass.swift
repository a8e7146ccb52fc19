internal import CKernels
internal import Tensors

/// The LSTM of `CharacterModel`: blocks i, j, f and o of z = (x, h) w + b, m' = m sigmoid(f + 1) +
/// sigmoid(i) tanh(j), h' = tanh(m') sigmoid(o).
struct LSTMPass: RecurrentCellPass {
  private let batch: Int
  private let inputs: Int
  private let hidden: Int
  let layers: [DenseLayer]
  let floatsKept: Int
  let floatsShared: Int

  // Places of what a step keeps: (x, h), gates after their functions, the memory and its tanh.
  private let joined, input, candidate, forget, output, memory, squashed: Int
  // Places of what all steps share: z, zeros for the first memory, and room for derivatives.
  private let sums, zeros, memoryCotangent, some, other, joinedCotangent: Int

  init(batch: Int, inputs: Int, hidden: Int) {
    self.batch = batch
    self.inputs = inputs
    self.hidden = hidden
    layers = [DenseLayer(rows: batch, inputs: inputs + hidden, outputs: 4 * hidden)]
    var kept = FloatLayout()
    joined = kept.take(batch * (inputs + hidden))
    input = kept.take(batch * hidden)
    candidate = kept.take(batch * hidden)
    forget = kept.take(batch * hidden)
    output = kept.take(batch * hidden)
    memory = kept.take(batch * hidden)
    squashed = kept.take(batch * hidden)
    floatsKept = kept.count
    var shared = FloatLayout()
    sums = shared.take(batch * 4 * hidden)
    zeros = shared.take(batch * hidden)
    memoryCotangent = shared.take(batch * hidden)
    some = shared.take(batch * hidden)
    other = shared.take(batch * hidden)
    joinedCotangent = shared.take(batch * (inputs + hidden))
    floatsShared = shared.count
  }

  private var count: Int { batch * hidden }

  func input(of layer: Int, _ step: RecurrentStep) -> UnsafePointer<Float> {
    UnsafePointer(step.kept + joined)
  }

  /// The memory before a step.
  private func memoryBefore(
    _ step: RecurrentStep, _ shared: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if let before = step.keptBefore { return UnsafePointer(before + memory) }
    (shared + zeros).update(repeating: 0, count: count)
    return UnsafePointer(shared + zeros)
  }

  func apply(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    shared: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    let kept = step.kept
    let n = Int64(count)
    joinColumns(
      rows: batch, step.x, inputs: inputs, step.h, hidden: hidden, into: kept + joined)
    let z = shared + sums
    layers[0].apply(
      kept + joined, w: parameters[0].w, b: parameters[0].b, sums: z, result: z, scratch: scratch)
    for (block, place) in [input, candidate, forget, output].enumerated() {
      takeColumns(
        rows: batch, count: hidden, from: z, width: 4 * hidden, first: block * hidden,
        into: kept + place)
    }
    ck_affine_f32(n, kept + forget, 1, 1, kept + forget)
    for gate in [input, forget, output] { ck_unary_f32(CK_SIGMOID, n, kept + gate, kept + gate) }
    ck_unary_f32(CK_TANH, n, kept + candidate, kept + candidate)
    multiply(count, memoryBefore(step, shared), kept + forget, into: kept + memory)
    multiply(count, kept + input, kept + candidate, into: shared + some)
    add(count, shared + some, into: kept + memory)
    ck_unary_f32(CK_TANH, n, kept + memory, kept + squashed)
    multiply(count, kept + squashed, kept + output, into: result)
  }

  func pullBack(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    cotangent: UnsafePointer<Float>, isLast: Bool, shared: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, sums dz: [UnsafeMutablePointer<Float>],
    x: UnsafeMutablePointer<Float>, h: UnsafeMutablePointer<Float>?
  ) {
    let kept = step.kept
    let n = Int64(count)
    let (some, other, dm) = (shared + some, shared + other, shared + memoryCotangent)
    /// From the cotangent in `some` of a gate to that of its block of z.
    func gate(_ block: Int, _ function: ck_activation, _ place: Int) {
      ck_activation_gradient_f32(function, n, kept + place, some, other)
      sumColumns(
        rows: batch, count: hidden, from: other, into: dz[0], width: 4 * hidden,
        first: block * hidden)
    }
    multiply(count, cotangent, kept + squashed, into: some)
    gate(3, CK_ACTIVATION_SIGMOID, output)
    multiply(count, cotangent, kept + output, into: some)
    ck_activation_gradient_f32(CK_ACTIVATION_TANH, n, kept + squashed, some, other)
    if isLast {
      dm.update(from: other, count: count)
    } else {
      add(count, other, into: dm)
    }
    multiply(count, dm, kept + input, into: some)
    gate(1, CK_ACTIVATION_TANH, candidate)
    multiply(count, dm, kept + candidate, into: some)
    gate(0, CK_ACTIVATION_SIGMOID, input)
    multiply(count, dm, memoryBefore(step, shared), into: some)
    gate(2, CK_ACTIVATION_SIGMOID, forget)
    // That of the memory before.
    multiply(count, dm, kept + forget, into: dm)

    let joined = shared + joinedCotangent
    layers[0].inputGradient(sums: dz[0], w: parameters[0].w, into: joined, scratch: scratch)
    takeColumns(
      rows: batch, count: inputs, from: joined, width: inputs + hidden, first: 0, into: x)
    guard let h else { return }
    addColumns(
      rows: batch, count: hidden, from: joined, width: inputs + hidden, first: inputs, into: h)
  }
}
