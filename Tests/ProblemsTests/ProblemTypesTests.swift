import Autodiff
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// What every type of problem must do.
@Suite("Problem types")
struct ProblemTypesTests {
  @Test("parameters and constants have unique names and finite values", arguments: ProblemCase.all)
  func variables(example: ProblemCase) throws {
    let start = DrawnProblem(try example.make())
    let variables = start.problem.parameters + start.problem.constants
    #expect(Set(variables.map(\.name)).count == variables.count)
    #expect(!start.problem.parameters.isEmpty)
    for (variable, value) in zip(variables, start.parameters + start.constants) {
      #expect(value.shape == variable.shape)
      #expect(value.isFinite)
    }
  }

  @Test(
    "the loss is a finite scalar that follows from parameters and minibatch",
    arguments: ProblemCase.all)
  func determinism(example: ProblemCase) throws {
    let start = DrawnProblem(try example.make())
    // Off the start, where some losses are the same for all data.
    let point = zip(start.parameters, start.direction(seed: 1)).map { $0 + $1 }
    let constants = point.map { Variable($0) }
    let loss = start.loss(constants)
    #expect(loss.shape == .scalar)
    #expect(loss.value.isFinite)
    #expect(start.loss(constants).value.scalar == loss.value.scalar)
    let other = RandomStream(seed: 4, purpose: .minibatch, step: 1)
    let same = start.loss(constants, minibatch: other).value.scalar == loss.value.scalar
    #expect(same == !example.hasMinibatches)
    let tape = Tape()
    #expect(start.loss(point.map(tape.variable)).value.scalar == loss.value.scalar)
  }

  @Test("the gradient agrees with differences of the loss", arguments: ProblemCase.all)
  func firstDerivative(example: ProblemCase) throws {
    let start = DrawnProblem(try example.make())
    let gradient = start.slope(start.direction(seed: 0), step: 0).gradient
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(norm > 0)
    for seed in 1...3 {
      var offset = 0
      let direction = start.direction(seed: seed * 100).map { tensor in
        defer { offset += tensor.count }
        return tensor.affine(scale: 0.5, offset: 0)
          + Tensor(
            gradient[offset..<offset + tensor.count].map { Float($0 / norm) }, shape: tensor.shape)
      }
      let h = example.step
      let values = [h, -h, 2 * h, -2 * h].map { start.slope(direction, step: $0).loss }
      // Fourth order; what float32 rounds off the losses is 1e-7 f / h, below 1e-3 of these slopes.
      let difference = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * Double(h))
      let slope = zip(gradient, direction.flatMap(\.elements)).reduce(0) {
        $0 + $1.0 * Double($1.1)
      }
      #expect(abs(slope - difference) < 2e-3 * abs(slope), "\(slope) against \(difference)")
    }
  }

  @Test("the second derivative agrees with differences of the gradient", arguments: ProblemCase.all)
  func secondDerivative(example: ProblemCase) throws {
    let start = DrawnProblem(try example.make())
    let tape = Tape()
    let point = start.parameters.map(tape.variable)
    let direction = start.direction(seed: 7)
    let result = hessianVectorProduct(of: start.loss(point), at: point, direction: direction)
    func difference(_ h: Float) -> [Double] {
      zip(start.slope(direction, step: h).gradient, start.slope(direction, step: -h).gradient)
        .map { ($0 - $1) / (2 * Double(h)) }
    }
    let h = example.step
    let differences = zip(difference(h), difference(2 * h)).map { (4 * $0 - $1) / 3 }
    let product = result.product.flatMap { $0.elements.map(Double.init) }
    #expect(relativeError(product, differences) < 2e-3)
    #expect(
      result.gradient.flatMap { $0.elements.map(Double.init) }
        == start.slope(direction, step: 0).gradient)
  }
}
