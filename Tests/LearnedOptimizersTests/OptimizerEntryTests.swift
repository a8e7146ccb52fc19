import Autodiff
import Layers
import LearnedOptimizers
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing

/// What every standard class must do.
@Suite("OptimizerEntry")
struct OptimizerEntryTests {
  static let names = OptimizerEntry.standard.map(\.name)

  /// Options that every class needs or takes, picked from these.
  private static let options: [String: JSONValue] = [
    "layers": .array([.number(4), .number(3)]), "preprocess_name": .string("LogAndSign"),
    "preprocess_options": .object(["k": .number(5)]), "scale": .number(0.5),
    "output_size": .number(3), "kernel_shape": .array([.number(2), .number(3)]),
    "learning_rate": .number(0.125),
  ]

  private func make(
    _ name: String, changes: [String: JSONValue] = [:]
  ) throws -> any LearnedOptimizer {
    let entry = try OptimizerEntry.standard.entry(named: name)
    return try entry.make(
      options: Self.options.filter { entry.options.contains($0.key) }.merging(changes) { $1 })
  }

  private func weights(_ rule: any LearnedOptimizer) -> NamedTensors {
    var stream = RandomStream(seed: 2, purpose: .test)
    return rule.initialWeights(&stream)
  }

  /// All engines that the rule can be run by, with weights.
  private func engines(_ rule: any LearnedOptimizer) -> [any OptimizerEngine] {
    var engines: [any OptimizerEngine] = [rule.makeEngine(), TensorEngine(rule)]
    if let rule = rule as? any RowwiseOptimizer { engines.append(RowEngine(rule)) }
    for engine in engines { engine.load(weights(rule)) }
    return engines
  }

  /// A tensor of so many rows that the rule can step.
  private func shape(_ rule: any LearnedOptimizer, rows: Int) -> Shape {
    let shapes: [Shape] = [[rows], [rows, 3], [2, 3, 1, rows]]
    return shapes.first { shape in
      rule.requirement(unmetBy: shape) == nil
        && shape.count == rows * ((rule as? any RowwiseOptimizer)?.rowWidth ?? 1)
    } ?? [rows]
  }

  /// What an engine is given at some step of some tensors.
  private func input(_ shapes: [Shape], seed: Int) -> StepInput {
    let count = shapes.reduce(0) { $0 + $1.count }
    return StepInput(
      gradient: .random([count], seed: seed), parameters: .random([count], seed: seed + 500),
      loss: 1 + Float(seed), count: 10)
  }

  @Test("names are unique, and known names are found")
  func lookUp() throws {
    #expect(Set(Self.names).count == Self.names.count)
    for name in Self.names { #expect(try OptimizerEntry.standard.entry(named: name).name == name) }
    #expect(throws: OptimizerError.unknownNet("LSTM", valid: Self.names)) {
      try OptimizerEntry.standard.entry(named: "LSTM")
    }
  }

  @Test("updates and states have the stated shapes, for any number of rows", arguments: names)
  func shapes(name: String) throws {
    let rule = try make(name)
    for engine in engines(rule) {
      for rows in [0, 1, 5, 40] {
        let shapes = [shape(rule, rows: rows), shape(rule, rows: 2)]
        var state = engine.initialState(of: shapes)
        for seed in 0..<2 {
          let input = input(shapes, seed: seed)
          let update = engine.step(input, state: &state)
          #expect(update.count == input.gradient.count)
          #expect(update.isFinite)
        }
        #expect(engine.export(state).map(\.shape) == rule.initialState(of: shapes).map(\.shape))
        #expect(state.step == 2)
        #expect(state.shapes == shapes && state.elementCount == shapes.reduce(0) { $0 + $1.count })
      }
    }
  }

  @Test("a gradient of 0 gives a finite update, and none without weights", arguments: names)
  func zeroGradient(name: String) throws {
    let rule = try make(name)
    for engine in engines(rule) {
      let shape = shape(rule, rows: 3)
      var state = engine.initialState(shape)
      for _ in 0..<3 {
        let update = engine.step(.zeros(shape), state: &state)
        #expect(update.isFinite)
        if !rule.isTrained { #expect(update.elements.allSatisfy { $0 == 0 }) }
      }
    }
  }

  @Test("the same inputs give the same bits", arguments: names)
  func determinism(name: String) throws {
    func run() throws -> [Float] {
      let rule = try make(name)
      let shapes = [shape(rule, rows: 33)]
      return engines(rule).flatMap { engine in
        var state = engine.initialState(of: shapes)
        var sum = [Double](repeating: 0, count: rule.weightCount)
        let inputs = (0..<4).map { input(shapes, seed: $0) }
        let updates = inputs.flatMap { engine.step($0, state: &state).elements }
        if rule.inputs.isEmpty {
          engine.backward(
            gradients: inputs.map(\.gradient), from: engine.initialState(of: shapes), into: &sum)
        }
        return updates + sum.map { Float($0) }
      }
    }
    #expect(haveSameBits(try run(), try run()))
  }

  @Test("a state that is kept is not changed by steps from its copies", arguments: names)
  func statesAreValues(name: String) throws {
    let rule = try make(name)
    for engine in engines(rule) {
      let shapes = [shape(rule, rows: 5)]
      let start = engine.initialState(of: shapes)
      let input = input(shapes, seed: 1)
      var first = start
      var second = start
      let update = engine.step(input, state: &first)
      #expect(haveSameBits(engine.step(input, state: &second).elements, update.elements))
    }
  }

  @Test("a row's update does not depend on other rows, not even on NaN in them", arguments: names)
  func rowIndependence(name: String) throws {
    guard let rule = try make(name) as? any RowwiseOptimizer else { return }
    let shapes = [shape(rule, rows: 20), shape(rule, rows: 1)]
    func rows(_ tensor: Tensor) -> Tensor { rule.rows(from: Variable(tensor)).value }
    func vector(_ rows: Tensor, _ shape: Shape) -> Tensor {
      rule.update(fromRows: Variable(rows), shape: shape).value
    }
    for engine in engines(rule) {
      var all = engine.initialState(shapes[0])
      var one = engine.initialState(shapes[1])
      for seed in 0..<3 {
        var inputs = Tensor.random([20, rule.rowWidth], seed: seed)
        inputs.withUnsafeMutableFloats { $0[6 * rule.rowWidth] = .nan }
        let single = rows(
          engine.step(
            vector(inputs.slice(axis: 0, from: 7, count: 1), shapes[1]), state: &one))
        let updates = rows(engine.step(vector(inputs, shapes[0]), state: &all))
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
    let shape: Shape = [2, 3, 4, 3]
    #expect(try make(name).requirement(unmetBy: shape) == nil)
    guard let rule = try make(name) as? any RowwiseOptimizer else { return }
    let values = Tensor.random(shape, seed: 1)
    let rows = rule.rows(from: Variable(values))
    #expect(rows.shape == [72 / rule.rowWidth, rule.rowWidth])
    let back = rule.update(fromRows: rows, shape: shape).value
    #expect(back.shape == shape)
    #expect(back.elements == values.elements)
    #expect(rule.rowsAreContiguous == (rows.value.elements == values.elements))
  }

  @Test("the meta-gradient agrees with differences", arguments: names)
  func metaGradient(name: String) throws {
    // Inputs are of the size of LogAndSign's unsaturated range and of its outside.
    let rule = try make(name)
    guard rule.isTrained, rule.inputs.isEmpty else { return }
    let shapes = [shape(rule, rows: 5)]
    let inputs = (0..<6).map { input(shapes, seed: 10 + $0) }
    for engine in engines(rule) {
      // The first-order meta-loss, linear in the updates: the sum over t of
      // d_t (g_{t+1} + ... + g_T).
      func metaLoss(_ flat: Tensor) -> Double {
        engine.load(weights(rule).unflattening(flat))
        var state = engine.initialState(of: shapes)
        var position = Tensor.zeros(inputs[0].gradient.shape)
        var sum = 0.0
        for step in 0..<5 {
          position += engine.step(inputs[step], state: &state)
          sum += inputs[step + 1].gradient.dot(position)
        }
        return sum
      }
      var weightGradient = [Double](repeating: 0, count: rule.weightCount)
      engine.backward(
        gradients: inputs.map(\.gradient), from: engine.initialState(of: shapes),
        into: &weightGradient)
      let flat = weights(rule).flattened
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
  }

  @Test("saved and loaded it is the same optimizer, options included", arguments: names)
  func roundTrip(name: String) throws {
    let rule = try make(name)
    let trained = TrainedOptimizer(rule, weights: weights(rule), metadata: ["problem": "none"])
    let loaded = try TrainedOptimizer(
      file: SafetensorsFile(bytes: trained.file.serialized()))
    #expect(loaded.metadata["problem"] == "none")
    #expect(loaded.rule.options == rule.options)
    #expect(loaded.weights.names == trained.weights.names)
    #expect(
      haveSameBits(loaded.weights.flattened.elements, trained.weights.flattened.elements))
    let shapes = [shape(rule, rows: 9)]
    let updates = [trained, loaded].map { optimizer in
      let engine = optimizer.rule.makeEngine()
      engine.load(optimizer.weights)
      var state = engine.initialState(of: shapes)
      _ = engine.step(input(shapes, seed: 4), state: &state)
      return engine.step(input(shapes, seed: 4), state: &state).elements
    }
    #expect(haveSameBits(updates[0], updates[1]))
  }

  @Test("options are taken, and all preprocessings are saved", arguments: names)
  func options(name: String) throws {
    let entry = try OptimizerEntry.standard.entry(named: name)
    let rule = try make(name)
    for (option, value) in rule.options where option != "preprocess_options" {
      #expect(entry.options.contains(option))
      if let expected = Self.options[option] { #expect(value == expected, "\(option)") }
    }
    guard entry.options.contains("preprocess_name") else { return }
    let choices: [[String: JSONValue]] = [
      ["preprocess_name": .string("identity"), "preprocess_options": .object([:])],
      ["preprocess_name": .string("Clamp"), "preprocess_options": .object(["min": .number(-1)])],
      [
        "preprocess_name": .string("Clamp"),
        "preprocess_options": .object(["min": .number(-1), "max": .number(2)]),
      ],
    ]
    for choice in choices {
      let net = try make(name, changes: choice)
      let again = try entry.make(options: net.options)
      #expect(again.options == net.options)
      #expect(net.options["preprocess_name"] == choice["preprocess_name"])
    }
  }

  @Test("an unknown option is an error that lists the known ones", arguments: names)
  func unknownOption(name: String) throws {
    let valid = try OptimizerEntry.standard.entry(named: name).options
    let fault = SettingError("depth", in: .net(name), .unknown(valid: valid))
    #expect(throws: OptimizerError.option(fault)) {
      try make(name, changes: ["depth": .number(3)])
    }
  }

  @Test("an exported state goes on as the state does, bit for bit", arguments: names)
  func exportAndRestore(name: String) throws {
    let rule = try make(name)
    for engine in engines(rule) {
      for rows in [0, 1, 17, 40] {
        let shapes = [shape(rule, rows: rows)]
        var state = engine.initialState(of: shapes)
        for seed in 0..<3 { _ = engine.step(input(shapes, seed: seed), state: &state) }
        var restored = engine.restore(engine.export(state), step: state.step, shapes: shapes)
        let input = input(shapes, seed: 9)
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
