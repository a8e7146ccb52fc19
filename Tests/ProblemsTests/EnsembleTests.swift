import Autodiff
import Layers
import Problems
import Tensors
import Testing

@Suite("Ensemble")
struct EnsembleTests {
  @Test("every member gets its own parameters and constants, in order")
  func distribution() throws {
    let members: [any Problem] = [
      Quadratic(batchSize: 1, dimensions: 1), Simple(dimensions: 2),
      Quadratic(batchSize: 1, dimensions: 1),
    ]
    let problem = try Ensemble(members, weights: [1, 10, 100])
    #expect(
      problem.parameters.map(\.name)
        == ["problem_0/x", "problem_1/x_0", "problem_1/x_1", "problem_2/x"])
    #expect(
      problem.constants.map(\.name)
        == ["problem_0/w", "problem_0/y", "problem_2/w", "problem_2/y"])
    func scalar(_ value: Float, _ rank: Int) -> Tensor {
      Tensor([value], shape: Shape(Array(repeating: 1, count: rank)))
    }
    var stream = RandomStream(seed: 0, purpose: .test)
    let parameters = [scalar(1, 2), Tensor(2), Tensor(3), scalar(5, 2)].map { Variable($0) }
    let value = problem.loss(
      parameters: parameters,
      constants: [scalar(2, 3), scalar(5, 2), scalar(3, 3), scalar(11, 2)], minibatch: &stream)
    // (2 - 5)^2 + 10 (4 + 9) + 100 (15 - 11)^2.
    #expect(value.value.scalar == 9 + 130 + 1600)
  }

  @Test("the number of weights must be that of the problems")
  func wrongWeights() {
    #expect(throws: ProblemError.wrongNumberOfWeights(problems: 2, weights: 1)) {
      try Ensemble([Simple(), Simple()], weights: [1])
    }
    #expect(throws: ProblemError.wrongNumberOfWeights(problems: 0, weights: 0)) {
      try Ensemble([])
    }
  }
}
