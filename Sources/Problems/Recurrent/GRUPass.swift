internal import CKernels
internal import Tensors

/// The GRU of `CharacterModel`: gates r and u = sigmoid((x, h) w + b), a candidate c = tanh((x, h r) w' +
/// b'), h' = c + u (h - c).
struct GRUPass: RecurrentCellPass {
  private let batch: Int
  private let inputs: Int
  private let hidden: Int
  let layers: [DenseLayer]
  let floatsKept: Int
  let floatsShared: Int

  // Places of what a step keeps: (x, h), both gates, each of them, (x, h r), c and h - c.
  private let joined, gates, reset, update, resetJoined, candidate, difference: Int
  // Places of what all steps share.
  private let some, other, gateCotangent, joinedCotangent: Int

  init(batch: Int, inputs: Int, hidden: Int) {
    self.batch = batch
    self.inputs = inputs
    self.hidden = hidden
    layers = [
      DenseLayer(
        rows: batch, inputs: inputs + hidden, outputs: 2 * hidden, function: .sigmoid),
      DenseLayer(rows: batch, inputs: inputs + hidden, outputs: hidden, function: .tanh),
    ]
    var kept = FloatLayout()
    joined = kept.take(batch * (inputs + hidden))
    gates = kept.take(batch * 2 * hidden)
    reset = kept.take(batch * hidden)
    update = kept.take(batch * hidden)
    resetJoined = kept.take(batch * (inputs + hidden))
    candidate = kept.take(batch * hidden)
    difference = kept.take(batch * hidden)
    floatsKept = kept.count
    var shared = FloatLayout()
    some = shared.take(batch * hidden)
    other = shared.take(batch * hidden)
    gateCotangent = shared.take(batch * 2 * hidden)
    joinedCotangent = shared.take(batch * (inputs + hidden))
    floatsShared = shared.count
  }

  private var count: Int { batch * hidden }

  func input(of layer: Int, _ step: RecurrentStep) -> UnsafePointer<Float> {
    UnsafePointer(step.kept + (layer == 0 ? joined : resetJoined))
  }

  func apply(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    shared: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    let kept = step.kept
    joinColumns(
      rows: batch, step.x, inputs: inputs, step.h, hidden: hidden, into: kept + joined)
    layers[0].apply(
      kept + joined, w: parameters[0].w, b: parameters[0].b, sums: kept + gates,
      result: kept + gates, scratch: scratch)
    for (block, place) in [reset, update].enumerated() {
      takeColumns(
        rows: batch, count: hidden, from: kept + gates, width: 2 * hidden, first: block * hidden,
        into: kept + place)
    }
    multiply(count, step.h, kept + reset, into: shared + some)
    joinColumns(
      rows: batch, step.x, inputs: inputs, shared + some, hidden: hidden, into: kept + resetJoined)
    layers[1].apply(
      kept + resetJoined, w: parameters[1].w, b: parameters[1].b, sums: kept + candidate,
      result: kept + candidate, scratch: scratch)
    ck_binary_f32(
      CK_SUBTRACT, Int64(count), step.h, kept + candidate, kept + difference)
    multiply(count, kept + update, kept + difference, into: result)
    add(count, kept + candidate, into: result)
  }

  func pullBack(
    _ step: RecurrentStep, _ parameters: LayerPlaces<UnsafePointer<Float>>,
    cotangent: UnsafePointer<Float>, isLast: Bool, shared: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, sums dz: [UnsafeMutablePointer<Float>],
    x: UnsafeMutablePointer<Float>, h: UnsafeMutablePointer<Float>?
  ) {
    let kept = step.kept
    let width = inputs + hidden
    let (some, other) = (shared + some, shared + other)
    let (gateCotangent, joined) = (shared + gateCotangent, shared + joinedCotangent)

    multiply(count, cotangent, kept + difference, into: some)
    sumColumns(
      rows: batch, count: hidden, from: some, into: gateCotangent, width: 2 * hidden, first: hidden)
    // That of h - c.
    multiply(count, cotangent, kept + update, into: some)
    if let h { add(count, some, into: h) }
    ck_binary_f32(CK_SUBTRACT, Int64(count), cotangent, some, other)
    layers[1].pullBack(other, source: kept + candidate, into: dz[1])
    layers[1].inputGradient(sums: dz[1], w: parameters[1].w, into: joined, scratch: scratch)
    takeColumns(rows: batch, count: inputs, from: joined, width: width, first: 0, into: x)
    takeColumns(
      rows: batch, count: hidden, from: joined, width: width, first: inputs, into: some)
    multiply(count, some, step.h, into: other)
    sumColumns(
      rows: batch, count: hidden, from: other, into: gateCotangent, width: 2 * hidden, first: 0)
    if let h {
      multiply(count, some, kept + reset, into: other)
      add(count, other, into: h)
    }

    layers[0].pullBack(gateCotangent, source: kept + gates, into: dz[0])
    layers[0].inputGradient(sums: dz[0], w: parameters[0].w, into: joined, scratch: scratch)
    addColumns(rows: batch, count: inputs, from: joined, width: width, first: 0, into: x)
    guard let h else { return }
    addColumns(rows: batch, count: hidden, from: joined, width: width, first: inputs, into: h)
  }
}
