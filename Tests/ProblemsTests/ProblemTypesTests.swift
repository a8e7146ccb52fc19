import Autodiff
import Layers
import LearningToLearnTesting
import Problems
import Tensors
import TestSupport
import Testing

/// What every type of problem must do.
@Suite("Problem types")
struct ProblemTypesTests {
  @Test("every type is a problem, with its derivatives", arguments: ProblemCase.all)
  func check(example: ProblemCase) throws { try checkProblem(example.make(), step: example.step) }

  @Test(
    "only problems on data depend on the minibatch's random numbers", arguments: ProblemCase.all)
  func minibatches(example: ProblemCase) throws {
    let start = DrawnProblem(try example.make())
    // Off the start, where some losses are the same for all data.
    let point = start.parameters.map { Variable($0 + Tensor.random($0.shape, seed: 1)) }
    let other = RandomStream(seed: 4, purpose: .minibatch, step: 1)
    let same =
      start.loss(point, minibatch: other).value.scalar == start.loss(point).value.scalar
    #expect(same == !example.hasMinibatches)
  }
}
