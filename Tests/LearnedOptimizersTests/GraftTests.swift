import Foundation
import Layers
import LearnedOptimizers
import Settings
import Tensors
import TestSupport
import Testing

@Suite("Celo2's graft")
struct GraftTests {
  private static func rule(_ graft: Float, base: Bool) -> any LearnedOptimizer {
    var settings = Celo2Settings()
    (settings.base.graft, settings.base.learningRate) = (graft, 0.25)
    return base ? Celo2Base(settings.base) : Celo2(settings)
  }

  private func updates(
    _ engine: any OptimizerEngine, _ rule: any LearnedOptimizer, _ gradients: [Tensor],
    of shape: Shape
  ) -> [[Float]] {
    var stream = RandomStream(seed: 3, purpose: .test)
    engine.load(rule.initialWeights(&stream))
    var state = engine.initialState(of: [shape])
    let parameters = stream.normal([shape.count], standardDeviation: 1)
    return gradients.map { gradient in
      engine.step(
        StepInput(gradient: gradient, parameters: parameters, loss: 1), state: &state
      ).elements
    }
  }

  @Test(
    "steps are those of one size times how far gradients agree", arguments: [false, true],
    [Float(0.5), 1, 2])
  func sizes(base: Bool, graft: Float) {
    let shape: Shape = [2, 5, 7]
    let gradients = (0..<6).map { Tensor.random([shape.count], seed: $0) }
    let plain = Self.rule(0, base: base)
    let grafted = Self.rule(graft, base: base)
    let steady = updates(plain.makeEngine(), plain, gradients, of: shape)
    let fused = updates(grafted.makeEngine(), grafted, gradients, of: shape)
    let reference = updates(TensorEngine(grafted), grafted, gradients, of: shape)
    var m = [Double](repeating: 0, count: shape.count)
    var v = m
    for (step, gradient) in gradients.enumerated() {
      for (index, g) in gradient.elements.map(Double.init).enumerated() {
        m[index] = 0.9 * m[index] + 0.1 * g
        v[index] = 0.95 * v[index] + 0.05 * g * g
      }
      for start in [0, 35] {
        let matrix = start..<start + 35
        let squares =
          matrix.reduce(0) { $0 + m[$1] * m[$1] } / pow(1 - pow(0.9, Double(step + 1)), 2)
        let seconds = matrix.reduce(0) { $0 + v[$1] } / (1 - pow(0.95, Double(step + 1)))
        let factor = Float(pow(squares / seconds, Double(graft) / 2))
        if step == 0 { #expect(abs(factor - 1) < 1e-6) } else { #expect(factor < 0.99) }
        for index in matrix {
          let expected = steady[step][index] * factor
          #expect(abs(fused[step][index] - expected) <= 1e-5)
          #expect(abs(reference[step][index] - expected) <= 1e-4)
        }
      }
    }
  }

  @Test("gradients that stay make steps of one size", arguments: [false, true])
  func agreement(base: Bool) {
    let gradients = [Tensor](repeating: .random([30], seed: 1), count: 30)
    let (plain, grafted) = (Self.rule(0, base: base), Self.rule(1, base: base))
    let steady = updates(plain.makeEngine(), plain, gradients, of: [6, 5])
    let same = updates(grafted.makeEngine(), grafted, gradients, of: [6, 5])
    for (a, b) in zip(steady.joined(), same.joined()) { #expect(abs(a - b) <= 1e-5) }
  }

  @Test("gradients of 0 leave a matrix where it is", arguments: [false, true])
  func zeros(base: Bool) {
    let rule = Self.rule(0.5, base: base)
    let gradients = [Tensor](repeating: .zeros([30]), count: 3)
    for engine in [rule.makeEngine(), TensorEngine(rule)] as [any OptimizerEngine] {
      for update in updates(engine, rule, gradients, of: [6, 5]) {
        let isFinite = update.allSatisfy { $0.isFinite }
        #expect(isFinite)
      }
    }
  }

  @Test("Adam's steps of vectors do not change")
  func vectors() {
    let gradients = (0..<4).map { Tensor.random([9], seed: $0) }
    let (plain, grafted) = (Self.rule(0, base: false), Self.rule(1, base: false))
    #expect(
      updates(plain.makeEngine(), plain, gradients, of: [9])
        == updates(grafted.makeEngine(), grafted, gradients, of: [9]))
  }

  @Test("saved options hold no graft where there is none, as earlier versions wrote them")
  func options() {
    for base in [false, true] {
      #expect(Self.rule(0, base: base).options["graft"] == nil)
      #expect(Self.rule(0.5, base: base).options["graft"] == .number(0.5))
    }
  }
}
