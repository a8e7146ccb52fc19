import Autodiff
import Layers
import LearnedOptimizers
import Settings
import Tensors
import TestSupport
import Testing

/// All engines that a standard rule can be run by, beside each other.
@Suite("TensorEngine")
struct TensorEngineTests {
  private static let names = OptimizerEntry.standard.map(\.name)

  private struct Case {
    let rule: any LearnedOptimizer
    let weights: NamedTensors
    let shapes: [Shape]
    let engines: [any OptimizerEngine]
  }

  /// A rule with weights of which none is 0, and tensors of every rank that it can step.
  private func make(_ name: String) throws -> Case {
    let entry = try OptimizerEntry.standard.entry(named: name)
    let given: [String: JSONValue] = [
      "layers": .array([.number(4), .number(3)]), "preprocess_name": .string("LogAndSign"),
      "preprocess_options": .object(["k": .number(5)]), "scale": .number(0.5),
      "output_size": .number(3), "kernel_shape": .array([.number(2), .number(3)]),
      "learning_rate": .number(0.125), "graft": .number(0.5),
    ]
    let rule = try entry.make(options: given.filter { entry.options.contains($0.key) })
    var stream = RandomStream(seed: 2, purpose: .test)
    var weights = rule.initialWeights(&stream)
    weights.tensors = weights.tensors.map {
      $0 + stream.normal($0.shape, standardDeviation: 0.05)
    }
    let all: [Shape] = [
      [2, 3, 1, 3], [3], [5, 3], .scalar, [7], [4, 3, 3], [2, 3, 2, 6], [1, 3],
    ]
    let shapes = all.filter { rule.requirement(unmetBy: $0) == nil }
    var engines: [any OptimizerEngine] = [rule.makeEngine(), TensorEngine(rule)]
    if let rule = rule as? any RowwiseOptimizer { engines.append(RowEngine(rule, blockRows: 7)) }
    for engine in engines { engine.load(weights) }
    return Case(rule: rule, weights: weights, shapes: shapes, engines: engines)
  }

  private func input(_ shapes: [Shape], step: Int) -> StepInput {
    let count = shapes.reduce(0) { $0 + $1.count }
    return StepInput(
      gradient: .random([count], seed: step, standardDeviation: 0.3),
      parameters: .random([count], seed: 100 + step), loss: 1 / Float(step + 1), count: 10)
  }

  /// The lists of each engine, named.
  private typealias Results = [(name: String, values: [Double])]

  private func compare(
    _ name: String, _ results: (any OptimizerEngine, Case) -> Results
  ) throws {
    let each = try make(name)
    #expect(each.shapes.count >= 2)
    let truth = results(each.engines[1], each)
    #expect(truth.allSatisfy { list in list.values.allSatisfy(\.isFinite) })
    for engine in each.engines {
      for (found, expected) in zip(results(engine, each), truth) {
        // Float32 in another order, with elementary functions good to 2e-7, through a few steps. The
        // derivative of a matrix made orthogonal has its small singular values in the denominator.
        #expect(
          relativeError(found.values, expected.values) < (name == Celo2.name ? 1e-3 : 1e-5),
          "\(type(of: engine)): \(found.name)")
      }
    }
  }

  private func doubles(_ tensors: [Tensor]) -> [Double] {
    tensors.flatMap { $0.elements.map(Double.init) }
  }

  @Test("every engine of a rule gives its updates and states", arguments: names)
  func forward(name: String) throws {
    try compare(name) { engine, each in
      var state = engine.initialState(of: each.shapes)
      var updates: [Tensor] = []
      for step in 0..<5 {
        updates.append(engine.step(input(each.shapes, step: step), state: &state))
      }
      let exported = engine.export(state)
      #expect(
        exported.map(\.shape) == each.rule.initialState(of: each.shapes).map(\.shape))
      return [("updates", doubles(updates)), ("state", doubles(exported))]
    }
  }

  @Test("adding in place gives the bits of adding the update", arguments: names)
  func inPlace(name: String) throws {
    let each = try make(name)
    for engine in each.engines {
      let count = each.shapes.reduce(0) { $0 + $1.count }
      var (a, b) = (engine.initialState(of: each.shapes), engine.initialState(of: each.shapes))
      // Others' parameters around them.
      var vector = Tensor.random([count + 9], seed: 50)
      for step in 0..<4 {
        var given = input(each.shapes, step: step)
        let before = vector
        given.parameters = vector.view(from: 4, shape: [count])
        let update = engine.step(given, state: &a)
        given.parameters = update
        // By turns: both are one step in place.
        if step % 2 == 0 {
          engine.apply(given, state: &b, to: &vector, at: 4)
        } else {
          let isFinite = engine.applyAndCheck(given, state: &b, to: &vector, at: 4)
          #expect(isFinite)
        }
        var expected = before.elements
        for index in 0..<count { expected[4 + index] += update.elements[index] }
        #expect(haveSameBits(vector.elements, expected), "\(type(of: engine)), step \(step)")
      }
      #expect(haveSameBits(a.tensors.flatMap(\.elements), b.tensors.flatMap(\.elements)))
    }
  }

  @Test("every engine sees a parameter that is not finite after a step", arguments: names)
  func check(name: String) throws {
    let each = try make(name)
    for engine in each.engines {
      let count = each.shapes.reduce(0) { $0 + $1.count }
      for bad in [Float.infinity, -.infinity, .nan] {
        for position in [0, count / 2, count - 1] {
          var state = engine.initialState(of: each.shapes)
          // What lies around the parameters is nobody's concern.
          var elements = Tensor.random([count + 9], seed: 51).elements
          elements[1] = .nan
          elements[4 + position] = bad
          var vector = Tensor(elements)
          var given = input(each.shapes, step: 0)
          given.parameters = given.gradient
          let isFinite = engine.applyAndCheck(given, state: &state, to: &vector, at: 4)
          #expect(!isFinite)
        }
      }
    }
  }

  @Test("Celo's scheduler goes on from rows of h and c that differ")
  func celoRows() throws {
    let each = try make(Celo.name)
    let start = each.rule.initialState(of: each.shapes)
    let h = start.count - 4
    let tensors = start.enumerated().map { index, tensor in
      // The first two rows and the last are the same, the others not.
      guard index == h || index == h + 1 else { return tensor }
      var rows = Tensor.random(tensor.shape, seed: index).elements
      let width = tensor.shape[1]
      for row in [1, tensor.shape[0] - 1] {
        for unit in 0..<width { rows[row * width + unit] = rows[unit] }
      }
      return Tensor(rows, shape: tensor.shape)
    }
    let runs = each.engines.map { engine -> [Double] in
      var state = engine.restore(tensors, step: 5, shapes: each.shapes)
      let updates = (5..<9).flatMap {
        engine.step(input(each.shapes, step: $0), state: &state).elements
      }
      return (updates + engine.export(state).flatMap(\.elements)).map(Double.init)
    }
    #expect(relativeError(runs[0], runs[1]) < 1e-5)
    #expect(runs[0].allSatisfy { $0.isFinite })
  }

  @Test("every engine gives the first-order meta-gradient", arguments: names)
  func backward(name: String) throws {
    let rule = try make(name).rule
    guard rule.inputs.isEmpty else { return }
    try compare(name) { engine, each in
      // From a state that is not zero, added to what is there.
      var start = engine.initialState(of: each.shapes)
      _ = engine.step(input(each.shapes, step: 20), state: &start)
      let gradients = (0...5).map { input(each.shapes, step: $0).gradient }
      var sum = [Double](repeating: 1, count: each.rule.weightCount)
      engine.backward(
        gradients: gradients, lossWeights: [1, 0.5, 2, 1, 0, 3], from: start, into: &sum)
      return [("weight gradient", sum.map { $0 - 1 })]
    }
  }

  @Test("every engine goes back step by step", arguments: names)
  func backwardSteps(name: String) throws {
    try compare(name) { engine, each in
      var states = [engine.initialState(of: each.shapes)]
      for step in 0..<3 {
        var state = states[step]
        _ = engine.step(input(each.shapes, step: step), state: &state)
        states.append(state)
      }
      // What a step gives the state before it shows in the adjoints of earlier steps.
      var stateAdjoint = engine.zeroAdjoint(of: states[3])
      var sum = [Double](repeating: 1, count: each.rule.weightCount)
      var results: Results = []
      for step in (0..<3).reversed() {
        let given = input(each.shapes, step: step)
        let found = engine.backwardStep(
          given, state: states[step],
          updateAdjoint: .random(given.gradient.shape, seed: 60 + step),
          stateAdjoint: &stateAdjoint, into: &sum)
        #expect((found.parameters != nil) == each.rule.inputs.contains(.parameter))
        results += [
          ("gradient \(step)", doubles([found.gradient])),
          ("parameters \(step)", doubles(found.parameters.map { [$0] } ?? [])),
          ("loss \(step)", [Double(found.loss)]),
        ]
      }
      return results + [("weights", sum.map { $0 - 1 })]
    }
  }

  @Test(
    "what is constant to the first order changes no adjoint that is asked for", arguments: names)
  func constants(name: String) throws {
    let each = try make(name)
    for engine in each.engines {
      var states = [engine.initialState(of: each.shapes)]
      for step in 0..<3 {
        var state = states[step]
        _ = engine.step(input(each.shapes, step: step), state: &state)
        states.append(state)
      }
      let runs = [false, true].map { isConstant -> [[Double]] in
        var stateAdjoint = engine.zeroAdjoint(of: states[3])
        var sum = [Double](repeating: 0, count: each.rule.weightCount)
        var results: [[Double]] = []
        for step in (0..<3).reversed() {
          var given = input(each.shapes, step: step)
          given.isConstant = isConstant
          let found = engine.backwardStep(
            given, state: states[step],
            updateAdjoint: .random(given.gradient.shape, seed: 60 + step),
            stateAdjoint: &stateAdjoint, into: &sum)
          results.append(doubles(found.parameters.map { [$0] } ?? []))
        }
        return results + [sum]
      }
      for (a, b) in zip(runs[0], runs[1]) {
        #expect(a.isEmpty && b.isEmpty || relativeError(a, b) < 1e-5, "\(type(of: engine))")
      }
    }
  }

  @Test("tensors that a rule steps by itself don't see each other", arguments: names)
  func tensorsAlone(name: String) throws {
    let each = try make(name)
    guard each.rule is any TensorwiseOptimizer || each.rule is any RowwiseOptimizer else { return }
    let engine = each.engines[1]
    var together = engine.initialState(of: each.shapes)
    var alone = each.shapes.map { engine.initialState($0) }
    for step in 0..<3 {
      let given = input(each.shapes, step: step)
      let update = engine.step(given, state: &together)
      var offset = 0
      for (index, shape) in each.shapes.enumerated() {
        func part(_ vector: Tensor) -> Tensor {
          vector.view(from: offset, shape: [shape.count])
        }
        let own = engine.step(
          StepInput(
            gradient: part(given.gradient), parameters: part(given.parameters), loss: given.loss,
            count: given.count), state: &alone[index])
        // A product of other sizes may add in another order: a few roundings.
        #expect(
          relativeError(own.elements, part(update).elements) < 1e-6, "\(shape), step \(step)")
        offset += shape.count
      }
    }
  }
}
