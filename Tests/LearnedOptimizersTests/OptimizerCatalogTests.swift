import LearnedOptimizers
import Safetensors
import Tensors
import TestSupport
import Testing

/// What every optimizer of the catalog must do.
@Suite("OptimizerCatalog")
struct OptimizerCatalogTests {
  static let names = OptimizerCatalog.all.map(\.name)

  /// Options that every class of the catalog needs or takes, picked from these.
  private static let options: [String: JSONValue] = [
    "layers": .array([.number(4), .number(3)]), "preprocess_name": .string("LogAndSign"),
    "preprocess_options": .object(["k": .number(5)]), "scale": .number(0.5),
    "output_size": .number(3), "kernel_shape": .array([.number(2), .number(3)]),
    "learning_rate": .number(0.125),
  ]

  private func make(
    _ name: String, changes: [String: JSONValue] = [:]
  ) throws -> any LearnedOptimizer {
    let entry = try OptimizerCatalog.entry(named: name)
    var stream = RandomStream(seed: 2, purpose: .test)
    return try entry.make(
      options: Self.options.filter { entry.options.contains($0.key) }
        .merging(changes) { $1 }, stream: &stream)
  }

  /// Both engines where there are two.
  private func engines(_ optimizer: any LearnedOptimizer) -> [any OptimizerEngine] {
    [optimizer.makeEngine(), AutodiffEngine(optimizer)]
  }

  private func gradient(_ optimizer: any LearnedOptimizer, rows: Int, seed: Int) -> Tensor {
    .random([rows, optimizer.rowWidth], seed: seed)
  }

  @Test("names are unique, and known names are found")
  func lookUp() throws {
    #expect(Set(Self.names).count == Self.names.count)
    for name in Self.names { #expect(try OptimizerCatalog.entry(named: name).name == name) }
    #expect(throws: OptimizerError.unknownNet("LSTM", valid: Self.names)) {
      try OptimizerCatalog.entry(named: "LSTM")
    }
  }

  @Test("updates and states have the stated shapes, for any number of rows", arguments: names)
  func shapes(name: String) throws {
    let optimizer = try make(name)
    for engine in engines(optimizer) {
      for rows in [0, 1, 5, 40] {
        var state = engine.initialState(rows: rows)
        for seed in 0..<2 {
          let update = engine.step(
            gradient(optimizer, rows: rows, seed: seed), state: &state)
          #expect(update.shape == [rows, optimizer.rowWidth])
          #expect(update.isFinite)
        }
        #expect(
          engine.export(state).map(\.shape)
            == optimizer.rowStateShapes.map { Shape([rows] + $0.dimensions) })
        #expect(state.step == 2)
        #expect(state.rows == rows)
      }
    }
  }

  @Test("a gradient of 0 gives a finite update, and none without weights", arguments: names)
  func zeroGradient(name: String) throws {
    let optimizer = try make(name)
    for engine in engines(optimizer) {
      var state = engine.initialState(rows: 3)
      for _ in 0..<3 {
        let update = engine.step(.zeros([3, optimizer.rowWidth]), state: &state)
        #expect(update.isFinite)
        if optimizer.weights.count == 0 { #expect(update.elements.allSatisfy { $0 == 0 }) }
      }
    }
  }

  @Test("the same inputs give the same bits", arguments: names)
  func determinism(name: String) throws {
    func run() throws -> [Float] {
      let optimizer = try make(name)
      let engine = optimizer.makeEngine()
      var state = engine.initialState(rows: 33)
      var weights = [Double](repeating: 0, count: optimizer.weights.elementCount)
      let inputs = (0..<4).map { gradient(optimizer, rows: 33, seed: $0) }
      let updates = inputs.flatMap { engine.step($0, state: &state).elements }
      engine.backward(
        gradients: inputs, from: engine.initialState(rows: 33), into: &weights)
      return updates + weights.map { Float($0) }
    }
    #expect(haveSameBits(try run(), try run()))
  }

  @Test("a state that is kept is not changed by steps from its copies", arguments: names)
  func statesAreValues(name: String) throws {
    let optimizer = try make(name)
    for engine in engines(optimizer) {
      let start = engine.initialState(rows: 5)
      let input = gradient(optimizer, rows: 5, seed: 1)
      var first = start
      var second = start
      let update = engine.step(input, state: &first)
      #expect(haveSameBits(engine.step(input, state: &second).elements, update.elements))
    }
  }

  @Test("a row's update does not depend on other rows, not even on NaN in them", arguments: names)
  func rowIndependence(name: String) throws {
    let optimizer = try make(name)
    let width = optimizer.rowWidth
    for engine in engines(optimizer) {
      var all = engine.initialState(rows: 20)
      var one = engine.initialState(rows: 1)
      for seed in 0..<3 {
        var inputs = gradient(optimizer, rows: 20, seed: seed)
        inputs.withUnsafeMutableFloats { $0[6 * width] = .nan }
        let updates = engine.step(inputs, state: &all)
        let single = engine.step(inputs.slice(axis: 0, from: 7, count: 1), state: &one)
        // A product of other sizes may add in another order: a few roundings.
        #expect(
          relativeError(
            updates.slice(axis: 0, from: 7, count: 1).elements, single.elements) < 1e-6)
        for row in 0..<20 {
          #expect(updates.slice(axis: 0, from: row, count: 1).isFinite == (row != 6))
        }
      }
    }
  }

  @Test("parameters become rows and come back unchanged", arguments: names)
  func rowsAndBack(name: String) throws {
    let optimizer = try make(name)
    let shape: Shape = [2, 3, 4, 3]
    #expect(optimizer.expectation(unmetBy: shape) == nil)
    let values = Tensor.random(shape, seed: 1)
    let rows = optimizer.rows(from: values)
    #expect(rows.shape == [72 / optimizer.rowWidth, optimizer.rowWidth])
    let back = optimizer.update(fromRows: rows, shape: shape)
    #expect(back.shape == shape)
    #expect(back.elements == values.elements)
    #expect(optimizer.rowsAreContiguous == (rows.elements == values.elements))
  }

  @Test("the meta-gradient agrees with differences", arguments: names)
  func metaGradient(name: String) throws {
    // Inputs are of the size of LogAndSign's unsaturated range and of its outside.
    let optimizer = try make(name)
    let count = optimizer.weights.elementCount
    guard count > 0 else { return }
    let engine = AutodiffEngine(optimizer, blockRows: 2)
    let inputs = (0..<6).map { gradient(optimizer, rows: 5, seed: 10 + $0) }
    // The first-order meta-loss, linear in the updates: sum over t of d_t (g_{t+1} + ... + g_T).
    func metaLoss(_ weights: Tensor) -> Double {
      engine.load(optimizer.weights.unflattening(weights))
      var state = engine.initialState(rows: 5)
      var position = Tensor.zeros(inputs[0].shape)
      var sum = 0.0
      for step in 0..<5 {
        position += engine.step(inputs[step], state: &state)
        sum += inputs[step + 1].dot(position)
      }
      return sum
    }
    var weightGradient = [Double](repeating: 0, count: count)
    engine.backward(
      gradients: inputs, from: engine.initialState(rows: 5), into: &weightGradient)
    let flat = optimizer.weights.flattened
    for seed in 0..<3 {
      let raw = Tensor.random(flat.shape, seed: 100 + seed)
      let direction = raw.affine(scale: Float(1 / raw.dot(raw).squareRoot()), offset: 0)
      let h: Float = 0.0625
      func at(_ factor: Float) -> Double {
        metaLoss(flat + direction.affine(scale: factor * h, offset: 0))
      }
      let difference = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * Double(h))
      let exact = zip(weightGradient, direction.elements).reduce(0) { $0 + $1.0 * Double($1.1) }
      // Fourth-order differences: h^4 ~ 1e-5, rounding 1e-6 / h.
      let norm = weightGradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(difference - exact) < 1e-3 * norm, "\(difference) and \(exact)")
    }
  }

  @Test("saved and loaded it is the same optimizer, options included", arguments: names)
  func roundTrip(name: String) throws {
    let optimizer = try make(name)
    let bytes = try SavedOptimizer(optimizer, metadata: ["problem": "none"]).file.serialized()
    let saved = try SavedOptimizer(file: SafetensorsFile(bytes: bytes))
    #expect(saved.metadata["problem"] == "none")
    #expect(saved.optimizer.options == optimizer.options)
    #expect(saved.optimizer.weights.names == optimizer.weights.names)
    #expect(
      haveSameBits(
        saved.optimizer.weights.flattened.elements, optimizer.weights.flattened.elements))
    let input = gradient(optimizer, rows: 9, seed: 4)
    let updates = [optimizer, saved.optimizer].map { optimizer in
      let engine = optimizer.makeEngine()
      var state = engine.initialState(rows: 9)
      _ = engine.step(input, state: &state)
      return engine.step(input, state: &state).elements
    }
    #expect(haveSameBits(updates[0], updates[1]))
  }

  @Test("options are taken, and all preprocessings are saved", arguments: names)
  func options(name: String) throws {
    let entry = try OptimizerCatalog.entry(named: name)
    let optimizer = try make(name)
    for (option, value) in optimizer.options where option != "preprocess_options" {
      #expect(entry.options.contains(option))
      if let expected = Self.options[option] { #expect(value == expected, "\(option)") }
    }
    guard entry.options.contains("preprocess_name") else { return }
    let choices: [[String: JSONValue]] = [
      ["preprocess_name": .string("identity")],
      ["preprocess_name": .string("Clamp"), "preprocess_options": .object(["min": .number(-1)])],
      [
        "preprocess_name": .string("Clamp"),
        "preprocess_options": .object(["min": .number(-1), "max": .number(2)]),
      ],
    ]
    for choice in choices {
      let net = try make(name, changes: choice)
      let again = try make(name, changes: net.options)
      #expect(again.options == net.options)
      #expect(net.options["preprocess_name"] == choice["preprocess_name"])
    }
  }

  @Test("an unknown option is an error that lists the known ones", arguments: names)
  func unknownOption(name: String) throws {
    let valid = try OptimizerCatalog.entry(named: name).options
    #expect(throws: OptimizerError.unknownOption(net: name, option: "depth", valid: valid)) {
      try make(name, changes: ["depth": .number(3)])
    }
  }

  @Test("an exported state goes on as the state does, bit for bit", arguments: names)
  func exportAndRestore(name: String) throws {
    let optimizer = try make(name)
    for engine in engines(optimizer) {
      for rows in [0, 1, 17, 40] {
        var state = engine.initialState(rows: rows)
        for seed in 0..<3 {
          _ = engine.step(gradient(optimizer, rows: rows, seed: seed), state: &state)
        }
        var restored = engine.restore(engine.export(state), step: state.step, rows: rows)
        let input = gradient(optimizer, rows: rows, seed: 9)
        #expect(
          haveSameBits(
            engine.step(input, state: &state).elements,
            engine.step(input, state: &restored).elements))
        #expect(
          haveSameBits(
            engine.export(state).flatMap(\.elements), engine.export(restored).flatMap(\.elements)))
      }
    }
  }
}
