import Comparison
import LearnedOptimizers
import Tensors
import Testing
import Unrolling

@Suite("the protocol of envelopes")
struct EnvelopeProtocolTests {
  @Test("60 rules, their rates as published")
  func rules() throws {
    let entrants = EnvelopeProtocol.entrants
    #expect(entrants.count == 60 && Set(entrants.map(\.label)).count == 60)
    #expect(Set(entrants.map(\.hash)).count == 60)
    let settings = EnvelopeProtocol.settings(stepCount: 100, seed: 0)
    #expect(settings.points(of: 100) == Array(stride(from: 0, through: 100, by: 10)))
    // The first steps of Adam are of the length of its rate.
    func update(_ label: String, at step: Int) throws -> Float {
      let entrant = try #require(entrants.first { $0.label == label })
      let engine = try entrant.nets(nil).nets[0].optimizer.makeEngine()
      var state = engine.initialState(of: [[1]])
      var last: Float = 0
      for _ in 0...step {
        let one = Tensor([1] as [Float])
        last =
          engine.step(StepInput(gradient: one, parameters: one, loss: 0), state: &state)
          .elements[0]
      }
      return last
    }
    #expect(abs(try update("Adam 0.1", at: 0) + 0.1) < 1e-6)
    #expect(abs(try update("Adam, root decay 1.0", at: 0) + 0.001) < 1e-6)
    #expect(abs(try update("Adam, root decay 1.0", at: 500) + 0.5) < 1e-4)
    #expect(abs(try update("Adam, root decay 1.0", at: 4000) + 0.5) < 1e-4)
    // (1 - 7e-5)^1000 = 0.93239...
    #expect(abs(try update("Adam, exponential decay 1.0", at: 1000) + 0.9323915) < 1e-4)
  }

  @Test("mean over seeds, smoothed, the least of all, at 512 points, never rising")
  func envelope() {
    func curve(_ losses: [Double]) -> LossCurve {
      LossCurve(steps: [0, 10, 20, 30], losses: losses)
    }
    let envelope = EnvelopeProtocol.envelope(of: [
      [curve([4, 2, 3, 1]), curve([4, 3, 1, 2])], [curve([4, 1, .infinity, .infinity])],
    ])
    #expect(envelope.steps.count == 512 && envelope.losses.count == 512)
    #expect(envelope.steps[0] == 0 && envelope.steps[511] == 30)
    #expect(zip(envelope.losses, envelope.losses.dropFirst()).allSatisfy { $0 >= $1 })
    // The first: 4, 3.925, 3.82875, 3.7123125; the second: 4, 3.85.
    for (index, expected) in [(0, 4.0), (85, 3.925146771), (256, 3.839312622), (511, 3.7123125)] {
      #expect(abs(envelope.losses[index] - expected) < 1e-8, "\(index): \(envelope.losses[index])")
    }
  }
}
