import Autodiff
import Layers
import Problems
import Tensors
import Testing

/// What the reference program's own tests of its problems assert, case by case.
@Suite("Problems of the reference program")
struct ReferenceTests {
  static let points: [Float] = [-1, 0, 1, 10]

  private func loss(
    _ problem: any Problem, at parameters: [Tensor], constants: [Tensor] = []
  ) -> Tensor {
    var stream = RandomStream(seed: 0, purpose: .test)
    return problem.loss(
      parameters: parameters.map { Variable($0) }, constants: constants, minibatch: &stream
    ).value
  }

  @Test("simple has one scalar parameter and the loss x squared, exactly", arguments: points)
  func simple(x: Float) {
    let problem = Simple()
    #expect(problem.parameters.map(\.name) == ["x"])
    #expect(problem.parameters[0].shape == .scalar)
    let value = loss(problem, at: [Tensor(x)])
    #expect(value.shape == .scalar)
    #expect(value.scalar == x * x)
  }

  @Test("simple-multi has a scalar parameter a dimension")
  func simpleMultiShapes() {
    let problem = Simple(dimensions: 3)
    #expect(problem.parameters.map(\.name) == ["x_0", "x_1", "x_2"])
    #expect(problem.parameters.allSatisfy { $0.shape == .scalar })
    let value = loss(problem, at: [Tensor(1), Tensor(2), Tensor(3)])
    #expect(value.shape == .scalar)
    #expect(value.scalar == 14)
  }

  @Test("simple-multi of one dimension has the loss x squared, exactly", arguments: points)
  func simpleMulti(x: Float) {
    #expect(loss(Simple(dimensions: 1), at: [Tensor(x)]).scalar == x * x)
  }

  @Test("quadratic optimizes x only, a row of the batch's size and dimensions")
  func quadraticShapes() {
    let problem = Quadratic(batchSize: 5, dimensions: 3)
    #expect(problem.parameters.map(\.name) == ["x"])
    #expect(problem.parameters[0].shape == [5, 3])
    #expect(problem.constants.map(\.name) == ["w", "y"])
    #expect(problem.constants.map(\.shape) == [[5, 3, 3], [5, 3]])
    let value = loss(
      problem, at: [.zeros([5, 3])],
      constants: [.zeros([5, 3, 3]), Tensor(repeating: 2, shape: [5, 3])])
    #expect(value.shape == .scalar)
    #expect(value.scalar == 12)
    #expect(Quadratic().parameters[0].shape == [128, 10])
  }

  @Test(
    "quadratic of one dimension with w = 2, y = 3 is (2 x - 3) squared, exactly",
    arguments: points)
  func quadratic(x: Float) {
    let value = loss(
      Quadratic(batchSize: 1, dimensions: 1), at: [Tensor([x], shape: [1, 1])],
      constants: [Tensor([2], shape: [1, 1, 1]), Tensor([3], shape: [1, 1])])
    #expect(value.scalar == (2 * x - 3) * (2 * x - 3))
  }

  @Test("an ensemble has its members' parameters and one scalar loss")
  func ensembleShapes() throws {
    let problem = try Ensemble([Simple(), Simple(), Simple()])
    #expect(problem.parameters.map(\.name) == ["problem_0/x", "problem_1/x", "problem_2/x"])
    #expect(problem.parameters.allSatisfy { $0.shape == .scalar })
    let value = loss(problem, at: [Tensor(1), Tensor(2), Tensor(3)])
    #expect(value.shape == .scalar)
    #expect(value.scalar == 14)
  }

  @Test("an ensemble weighs its members' losses, exactly", arguments: points)
  func ensemble(x: Float) throws {
    #expect(try loss(Ensemble([Simple()], weights: [0.5]), at: [Tensor(x)]).scalar == 0.5 * x * x)
  }
}
