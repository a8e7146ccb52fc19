import Layers
import LearnedOptimizers
import Settings
import Tensors
import Testing

@Suite("Celo2's schedule")
struct RateScheduleOptionTests {
  private static let shapes: [Shape] = [[5, 7], [9], [], [2, 3, 4]]

  private func rule(_ schedule: String, base: Bool) throws -> any LearnedOptimizer {
    let options: [String: JSONValue] = [
      "learning_rate": .number(0.25), "weight_decay": .number(0.5), "schedule": .string(schedule),
      "layers": .array([.number(8), .number(8)]),
    ]
    let name = base ? Celo2Base.name : Celo2.name
    let entry = try #require(OptimizerEntry.standard.first { $0.name == name })
    return try entry.make(options: options)
  }

  /// The updates of some steps from the same start, with the state they lead to.
  private func updates(
    _ engine: any OptimizerEngine, _ rule: any LearnedOptimizer, count: Int?, steps: Int = 4
  ) -> [[Float]] {
    var stream = RandomStream(seed: 3, purpose: .test)
    engine.load(rule.initialWeights(&stream))
    var state = engine.initialState(of: Self.shapes)
    let total = Self.shapes.reduce(0) { $0 + $1.count }
    let parameters = stream.normal([total], standardDeviation: 1)
    return (0..<steps).map { _ in
      let input = StepInput(
        gradient: stream.normal([total], standardDeviation: 1), parameters: parameters, loss: 1,
        count: count)
      return engine.step(input, state: &state).elements
    }
  }

  @Test("steps are those of the constant rate times the factor", arguments: [false, true])
  func factors(base: Bool) throws {
    let constant = try rule("constant", base: base)
    let steady = updates(constant.makeEngine(), constant, count: 4)
    for text in ["cosine", "exponential", "inverse-root+0.5", "cosine+0.25"] {
      let schedule = try #require(RateSchedule(text: text))
      let rule = try rule(text, base: base)
      #expect(rule.inputs.contains(.progress) && !constant.inputs.contains(.progress))
      let fused = updates(rule.makeEngine(), rule, count: 4)
      let reference = updates(TensorEngine(rule), rule, count: 4)
      for step in 0..<4 {
        let factor = Float(schedule.factor(step: step, of: 4))
        for (index, value) in fused[step].enumerated() {
          let expected = steady[step][index] * factor
          #expect(abs(value - expected) <= 1e-5 * max(abs(expected), 0.01), "\(text) \(step)")
          #expect(abs(value - reference[step][index]) <= 2e-5 * max(abs(expected), 0.1))
        }
      }
      // Told no number of steps, the rate stays.
      #expect(updates(rule.makeEngine(), rule, count: nil) == steady)
    }
  }

  @Test("an engine goes from one trajectory to another of other lengths")
  func lengths() throws {
    let rule = try rule("exponential", base: false)
    let engine = rule.makeEngine()
    let first = updates(engine, rule, count: 4)
    let other = updates(engine, rule, count: 9)
    #expect(first != other)
    #expect(updates(engine, rule, count: 4) == first)
    #expect(updates(rule.makeEngine(), rule, count: 9) == other)
  }

  @Test("forms are read with a warm-up or without, and anything else is refused")
  func texts() throws {
    for text in ["constant", "cosine", "exponential", "inverse-root", "cosine+0.05"] {
      #expect(RateSchedule(settingTexts: [text])?.settingText == text)
      #expect(RateSchedule(settingJSON: .string(text))?.settingJSON == .string(text))
    }
    for text in ["", "cos", "cosine+", "cosine+2", "cosine+nan"] {
      #expect(RateSchedule(settingTexts: [text]) == nil)
      #expect(throws: (any Error).self) { try rule(text, base: true) }
    }
    #expect(RateSchedule(settingJSON: .number(1)) == nil)
  }
}
