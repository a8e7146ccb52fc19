import Layers
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// A net, rows and steps on which the fused kernels are compared with automatic differentiation.
struct EngineComparison: Sendable, CustomTestStringConvertible {
  let layers: [Int]
  let preprocess: Preprocessing
  let width: Int
  let rows: Int
  let steps: Int

  var testDescription: String {
    "\(layers) \(preprocess) width \(width), \(rows) rows, \(steps) steps"
  }

  /// All kinds of nets and of rows and steps; the largest products of the two are left out.
  static let all: [EngineComparison] = {
    let kinds: [(Preprocessing, Int)] = [
      (.identity, 1), (.logAndSign(k: 5), 1), (.clamp(min: nil, max: 0.5), 1),
      (.identity, 9), (.logAndSign(k: 10), 9), (.clamp(min: -1, max: 1), 9),
    ]
    var cases: [EngineComparison] = []
    for layers in [[], [1], [5], [20, 20], [7, 33, 3], [64]] {
      for (preprocess, width) in kinds {
        for rows in [0, 1, 7, 16, 33, 1025, 1300] {
          for steps in [1, 2, 20, 100] {
            let inputs = width * preprocess.width
            let units = layers.reduce(1, +)
            guard rows * steps * units * (units + inputs) <= 600_000 else { continue }
            cases.append(
              EngineComparison(
                layers: layers, preprocess: preprocess, width: width, rows: rows, steps: steps))
          }
        }
      }
    }
    // The default net on more rows than an engine takes at once.
    cases.append(
      EngineComparison(
        layers: [20, 20], preprocess: .logAndSign(k: 5), width: 1, rows: 1300, steps: 20))
    return cases
  }()

  /// A net of random weights, biases included.
  var net: Weighted<StandardDeepLSTM> {
    let rule = StandardDeepLSTM(
      outputSize: width, layers: layers, preprocess: preprocess, scale: 0.1)
    var stream = RandomStream(seed: UInt64(layers.count + width), purpose: .test)
    var net = Weighted(rule, weights: rule.initialWeights(&stream))
    net.weights.tensors = net.weights.tensors.map {
      $0 + stream.normal($0.shape, standardDeviation: 0.05)
    }
    return net
  }

  /// Gradients of many magnitudes, some 1e-5 to 10, and both signs.
  private func gradient(_ seed: Int) -> Tensor {
    let exponents = Tensor.random([rows, width], seed: seed, standardDeviation: 2)
    let sizes = exponents.affine(scale: 1, offset: -3).exp()
    return (sizes * Tensor.random([rows, width], seed: seed + 1000)).vector
  }

  private func startState(_ rule: StandardDeepLSTM) -> [Tensor] {
    rule.rowStateShapes.enumerated().map {
      .random(Shape([rows] + $1.dimensions), seed: 500 + $0, standardDeviation: 0.5)
    }
  }

  /// What an engine computes: each list under its name.
  struct Results {
    var lists: [(name: String, values: [Double])] = []

    mutating func add(_ name: String, _ tensors: [Tensor]) {
      lists.append((name, tensors.flatMap { $0.elements.map(Double.init) }))
    }
  }

  /// Steps forward from a state that is not zero, back through all steps, and back through one.
  func run(_ engine: any OptimizerEngine) -> Results {
    let net = self.net
    engine.load(net.weights)
    var results = Results()
    let shapes: [Shape] = [[rows, width]]
    let start = engine.restore(startState(net.rule), step: 3, shapes: shapes)
    results.add("imported state", engine.export(start))
    let gradients = (0...steps).map(gradient)
    var state = start
    results.add("updates", (0..<steps).map { engine.step(gradients[$0], state: &state) })
    results.add("state", engine.export(state))

    // Added to what is there.
    var weights = [Double](repeating: 1, count: net.weights.elementCount)
    engine.backward(gradients: gradients, from: start, into: &weights)
    results.lists.append(("weight gradient", weights.map { $0 - 1 }))

    var adjoint = engine.restore(
      startState(net.rule).map { $0 * Tensor(-0.5) }, step: 0, shapes: shapes)
    weights = [Double](repeating: 1, count: net.weights.elementCount)
    let found = engine.backwardStep(
      StepInput(gradient: gradients[0], parameters: gradients[0], loss: 0), state: start,
      updateAdjoint: gradients[1], stateAdjoint: &adjoint, into: &weights)
    results.add("input adjoint", [found.gradient])
    results.add("state adjoint", engine.export(adjoint))
    results.lists.append(("weight gradient of a step", weights.map { $0 - 1 }))
    return results
  }

  /// The lists of `fused` that differ from the oracle's by more than 1e-5 of the norm, in words.
  ///
  /// Both compute in float32 in another order, with elementary functions good to 2e-7, through up to
  /// 100 steps.
  func differences(_ fused: Results, _ oracle: Results) -> [String] {
    zip(fused.lists, oracle.lists).compactMap { mine, truth in
      let error = relativeError(mine.values, truth.values)
      return error < 1e-5 ? nil : "\(testDescription): \(mine.name) differs by \(error)"
    }
  }
}
