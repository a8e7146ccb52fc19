import Autodiff
import Layers
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

@Suite("DeepLSTM")
struct DeepLSTMTests {
  /// One step by the formula, in double precision; `state` is h, c of each layer.
  private func step(
    _ net: DeepLSTM, _ weights: [NaiveTensor], _ input: NaiveTensor, _ state: inout [NaiveTensor]
  ) -> NaiveTensor {
    func sigmoid(_ x: NaiveTensor) -> NaiveTensor { x.map { 1 / (1 + exponential(-$0)) } }
    func tanh(_ x: NaiveTensor) -> NaiveTensor { x.map { 1 - 2 / (exponential(2 * $0) + 1) } }
    var x = input
    for (layer, units) in net.layers.enumerated() {
      let gates = NaiveTensor.product(
        .concatenated([x, state[2 * layer]], axis: 1), weights[2 * layer]
      ).combined(with: weights[2 * layer + 1], +)
      let (i, j, f, o) = (
        gates.slice(axis: 1, from: 0, count: units),
        gates.slice(axis: 1, from: units, count: units),
        gates.slice(axis: 1, from: 2 * units, count: units),
        gates.slice(axis: 1, from: 3 * units, count: units)
      )
      let kept = state[2 * layer + 1].combined(with: sigmoid(f.map { $0 + 1 }), *)
      let cell = kept.combined(with: sigmoid(i).combined(with: tanh(j), *), +)
      x = tanh(cell).combined(with: sigmoid(o), *)
      state[2 * layer] = x
      state[2 * layer + 1] = cell
    }
    let last = 2 * net.layers.count
    return NaiveTensor.product(x, weights[last]).combined(with: weights[last + 1], +)
      .map { $0 * Double(net.scale) }
  }

  @Test("steps are those of the formula", arguments: [[], [3], [4, 2], [2, 5, 3]])
  func formula(layers: [Int]) {
    for width in [1, 3] {
      let optimizer = Weighted(
        StandardDeepLSTM(
          outputSize: width, layers: layers, scale: 0.5,
          initializers: .all(.normal(standardDeviation: 0.7))), seed: 3)
      let weights = optimizer.weights.tensors.map(\.naive)
      let engines: [any OptimizerEngine] = [
        optimizer.loaded(TensorEngine(optimizer.rule)),
        optimizer.loaded(RowEngine(optimizer.rule)),
        optimizer.loaded(FusedEngine(optimizer.rule)),
      ]
      for engine in engines {
        var state = engine.initialState([6, width])
        var truth = layers.flatMap { units in
          Array(repeating: NaiveTensor(shape: [6, units]) { _ in 0 }, count: 2)
        }
        for seed in 0..<4 {
          let gradient = Tensor.random([6, width], seed: seed)
          let update = engine.step(gradient, state: &state)
          let expected = step(
            optimizer.rule.net, weights, gradient.naive, &truth)
          // Some hundred float32 operations a step.
          #expect(relativeError(update.naive.elements, expected.elements) < 2e-6)
          for (mine, expected) in zip(engine.export(state), truth) {
            #expect(relativeError(mine.naive.elements, expected.elements) < 2e-6)
          }
        }
      }
    }
  }

  @Test("by default weights are truncated normal with 1 / sqrt(inputs), the last bias 0")
  func defaultInitializers() {
    let weights = coordinateWise([30, 40], .logAndSign(k: 5)).weights
    for (name, inputs) in [
      ("lstm_1/w_gates", 32), ("lstm_1/b_gates", 32), ("lstm_2/w_gates", 70),
      ("lstm_2/b_gates", 70), ("linear/w", 40),
    ] {
      let elements = weights[name]?.elements.map(Double.init) ?? []
      let deviation = 1 / Double(inputs).squareRoot()
      #expect(elements.allSatisfy { abs($0) < 2 * deviation })
      let found = (elements.reduce(0) { $0 + $1 * $1 } / Double(elements.count)).squareRoot()
      // 0.88 of the deviation are left by the cut; a sample's is off by some 1 / sqrt(2 count).
      #expect(
        abs(found / deviation - 0.88) < 4 / Double(2 * elements.count).squareRoot(), "\(name)")
    }
    #expect(weights["linear/b"]?.elements == [0])
  }

  @Test("initializers by layer and variable reach their weights and no others")
  func chosenInitializers() {
    let net = coordinateWise(
      [2, 2],
      initializers: .byLayer([
        "lstm_2": .byVariable(["b_gates": .constant(3)]), "linear": .all(.constant(4)),
        "none": .all(.constant(5)),
      ]))
    let standard = coordinateWise([2, 2])
    #expect(net.weights["lstm_2/b_gates"]?.elements == Array(repeating: 3, count: 8))
    #expect(net.weights["linear/w"]?.elements == [4, 4])
    #expect(net.weights["linear/b"]?.elements == [4])
    #expect(
      net.weights["lstm_1/w_gates"]?.elements == standard.weights["lstm_1/w_gates"]?.elements)
    #expect(!net.weights.flattened.elements.contains(5))
  }

  @Test("an input gain multiplies the weights that read gradients and no others")
  func inputGain() throws {
    let net = coordinateWise(
      [2, 3], .logAndSign(k: 5), initializers: .withInputGain(50, .byVariable(["w": .zeros])))
    let plain = coordinateWise(
      [2, 3], .logAndSign(k: 5), initializers: .byVariable(["w": .zeros]))
    for (name, weights) in zip(net.weights.names, net.weights.tensors) {
      let expected = try #require(plain.weights[name])
      let gained = name == "lstm_1/w_gates" ? 2 * 8 : 0
      for (index, (found, weight)) in zip(weights.elements, expected.elements).enumerated() {
        #expect(found == (index < gained ? 50 * weight : weight), "\(name) \(index)")
      }
    }
    // Without LSTM layers the linear output reads the gradients.
    #expect(
      coordinateWise([], initializers: .withInputGain(3, .all(.constant(2)))).weights["linear/w"]?
        .elements == [6])
  }

  @Test("a kernel net's rows are pairs of channels, each with its kernel")
  func kernelRows() {
    let net = KernelDeepLSTM(kernelShape: [2, 3], layers: [])
    let filters = Tensor((0..<2 * 3 * 4 * 5).map(Float.init), shape: [2, 3, 4, 5])
    let rows = net.rows(from: Variable(filters)).value
    #expect(rows.shape == [20, 6])
    for (row, pair) in NaiveTensor.indices(of: [4, 5]).enumerated() {
      for (entry, place) in NaiveTensor.indices(of: [2, 3]).enumerated() {
        #expect(Double(rows.elements[row * 6 + entry]) == filters.naive[place + pair])
      }
    }
    #expect(
      net.update(fromRows: Variable(rows), shape: filters.shape).value.elements
        == filters.elements)
  }

  @Test("nets say which parameters they can step")
  func expectations() {
    let rows = StandardDeepLSTM(outputSize: 3, layers: [])
    #expect(rows.requirement(unmetBy: [3]) == nil)
    #expect(rows.requirement(unmetBy: [5, 3]) == nil)
    #expect(rows.requirement(unmetBy: [3, 5]) == "a last axis of 3")
    #expect(rows.requirement(unmetBy: .scalar) != nil)
    let kernels = KernelDeepLSTM(kernelShape: [2, 3], layers: [])
    #expect(kernels.requirement(unmetBy: [2, 3, 1, 7]) == nil)
    #expect(kernels.requirement(unmetBy: [3, 2, 1, 7]) != nil)
    #expect(kernels.requirement(unmetBy: [2, 3]) != nil)
    #expect(coordinateWise([]).rule.requirement(unmetBy: .scalar) == nil)
  }
}
