import Layers
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// An `RNNprop`, tensors and steps on which the fused kernels are compared with automatic
/// differentiation.
struct RNNpropComparison: Sendable, CustomTestStringConvertible {
  let layers: [Int]
  let shapes: [Shape]
  let steps: Int
  var scale: Float = 0.1

  private var rows: Int { shapes.reduce(0) { $0 + $1.count } }

  var testDescription: String { "\(layers), \(rows) rows, \(steps) steps, scale \(scale)" }

  /// Rows around vectors, blocks and chunks; long unrolls of few rows; nets of all kinds.
  static let all: [RNNpropComparison] = {
    var cases: [RNNpropComparison] = []
    let shapes: [[Shape]] = [
      [[]], [[3]], [[4, 3], [5]], [[2, 3, 4], [1], [8]], [[1153]], [[33, 30], [310]],
    ]
    for layers in [[1], [7], [5, 3], [20, 20], [3, 17, 9]] {
      for shapes in shapes {
        for steps in [1, 4, 20] {
          let rows = shapes.reduce(0) { $0 + $1.count }
          let units = layers.reduce(0, +)
          guard rows * steps * units * units <= 8_000_000 else { continue }
          cases.append(RNNpropComparison(layers: layers, shapes: shapes, steps: steps))
        }
      }
    }
    cases.append(RNNpropComparison(layers: [64], shapes: [[3]], steps: 200, scale: 3))
    cases.append(RNNpropComparison(layers: [20, 20], shapes: [[2], [2]], steps: 100, scale: 1))
    return cases
  }()

  /// A net of random weights, biases included.
  var net: Weighted<RNNprop> {
    var net = Weighted(RNNprop(layers: layers, scale: scale), seed: UInt64(layers.count))
    var stream = RandomStream(seed: UInt64(layers[0]), purpose: .test)
    net.weights.tensors = net.weights.tensors.map {
      $0 + stream.normal($0.shape, standardDeviation: 0.05)
    }
    return net
  }

  /// Gradients of many magnitudes, some 1e-5 to 10, and both signs.
  private func gradient(_ seed: Int) -> Tensor {
    let exponents = Tensor.random([rows], seed: seed, standardDeviation: 2)
    return exponents.affine(scale: 1, offset: -3).exp() * Tensor.random([rows], seed: seed + 1000)
  }

  /// What an engine computes: each list under its name.
  typealias Results = [(name: String, values: [Double])]

  /// Steps forward from the start, back through all steps from a state that is not zero, and back
  /// through three steps one by one.
  func run(_ engine: any OptimizerEngine) -> Results {
    let net = self.net
    engine.load(net.weights)
    var results: Results = []
    func add(_ name: String, _ tensors: [Tensor]) {
      results.append((name, tensors.flatMap { $0.elements.map(Double.init) }))
    }
    var state = engine.initialState(of: shapes)
    let inputs = (0..<4).map {
      StepInput(gradient: gradient($0), parameters: gradient($0), loss: 0)
    }
    var states = [state]
    var updates: [Tensor] = []
    for input in inputs {
      updates.append(engine.step(input, state: &state))
      states.append(state)
    }
    add("updates", updates)
    add("state", engine.export(state))

    let start = engine.restore(engine.export(state), step: state.step, shapes: shapes)
    add("restored state", engine.export(start))
    // Added to what is there.
    var weights = [Double](repeating: 1, count: net.weights.elementCount)
    engine.backward(
      gradients: (0...steps).map { gradient(10 + $0) },
      lossWeights: (0...steps).map { $0 % 3 == 0 ? 0.5 : 1 }, from: start, into: &weights)
    results.append(("weight gradient", weights.map { $0 - 1 }))

    var adjoint = engine.zeroAdjoint(of: state)
    weights = [Double](repeating: 1, count: net.weights.elementCount)
    for step in (1..<4).reversed() {
      let found = engine.backwardStep(
        inputs[step], state: states[step], updateAdjoint: .random([rows], seed: 90 + step),
        stateAdjoint: &adjoint, into: &weights)
      // By themselves: small gradients have the largest adjoints.
      add("adjoint of the gradient \(step)", [found.gradient * inputs[step].gradient])
    }
    let exported = engine.export(adjoint)
    for (index, part) in exported.enumerated() where index >= 2 { add("adjoint \(index)", [part]) }
    for index in 0..<2 {
      add("adjoint of moment \(index)", [exported[index] * engine.export(states[1])[index]])
    }
    results.append(("weight gradient of steps", weights.map { $0 - 1 }))
    return results
  }

  /// The lists of `fused` that differ from the oracle's by more than 5e-5 of the norm, in words.
  ///
  /// Both compute in float32 in another order, with elementary functions good to 2e-7, through up to
  /// 200 steps; ELU's exponential less 1 is rounded once in the kernels, twice in the oracle, and what
  /// two layers of 20 units tell one coordinate's moments cancels in part.
  func differences(_ fused: Results, _ oracle: Results) -> [String] {
    zip(fused, oracle).compactMap { mine, truth in
      let error = relativeError(mine.values, truth.values)
      return error < 5e-5 ? nil : "\(testDescription): \(mine.name) differs by \(error)"
    }
  }
}

/// One coordinate's steps by the formulas in double precision.
struct NaiveRNNprop {
  let layers: [Int]
  let scale: Double
  /// The weights in the rule's order, each row-major.
  var weights: [[Double]]

  /// The updates of a coordinate's gradients, from the start.
  func updates(_ gradients: [Double]) -> [Double] {
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exponential(-x)) }
    func tanh(_ x: Double) -> Double { 1 - 2 / (exponential(2 * x) + 1) }
    func linear(_ x: [Double], _ w: [Double], _ b: [Double]) -> [Double] {
      b.indices.map { column in
        b[column] + x.indices.reduce(0) { $0 + x[$1] * w[$1 * b.count + column] }
      }
    }
    var (m, v, decayed) = (0.0, 0.0, 1.0)
    var state = layers.map {
      (h: [Double](repeating: 0, count: $0), c: [Double](repeating: 0, count: $0))
    }
    return gradients.map { g in
      decayed *= 0.95
      m = 0.95 * m + 0.05 * g
      v = 0.95 * v + 0.05 * g * g
      let size = (v / (1 - decayed)).squareRoot() + 1e-8
      var x = linear([m / (1 - decayed) / size, g / size], weights[0], weights[1])
        .map { $0 > 0 ? $0 : exponential($0) - 1 }
      for (layer, units) in layers.enumerated() {
        let gates = linear(
          x + state[layer].h, weights[2 + 2 * layer], weights[3 + 2 * layer])
        for unit in 0..<units {
          let kept = state[layer].c[unit] * sigmoid(gates[2 * units + unit] + 1)
          let cell = kept + sigmoid(gates[unit]) * tanh(gates[units + unit])
          state[layer].c[unit] = cell
          state[layer].h[unit] = tanh(cell) * sigmoid(gates[3 * units + unit])
        }
        x = state[layer].h
      }
      let last = 2 + 2 * layers.count
      return scale * tanh(linear(x, weights[last], weights[last + 1])[0])
    }
  }
}
