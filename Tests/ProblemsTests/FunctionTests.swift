import Autodiff
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// Values of the functions against their formulas in double precision, and their known minima.
@Suite("Functions")
struct FunctionTests {
  private func value(
    _ problem: any Problem, _ x: [Float], _ constants: [Tensor] = []
  ) -> Double {
    var stream = RandomStream(seed: 1, purpose: .test)
    let shape = problem.parameters[0].shape
    return Double(
      problem.loss(
        parameters: [Variable(Tensor(x, shape: shape))], constants: constants, minibatch: &stream
      ).value.scalar)
  }

  private func gradientNorm(_ problem: any Problem, _ x: [Float]) -> Float {
    let tape = Tape()
    var stream = RandomStream(seed: 1, purpose: .test)
    let point = tape.variable(Tensor(x, shape: problem.parameters[0].shape))
    let loss = problem.loss(parameters: [point], constants: [], minibatch: &stream)
    return gradient(of: loss, withRespectTo: [point])[0].value.elements.map(abs).max() ?? 0
  }

  private func check(
    _ problem: any Problem, _ formula: ([Double]) -> Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let count = problem.parameters[0].shape.count
    var stream = RandomStream(seed: 2, purpose: .test)
    for _ in 0..<20 {
      let x = (0..<count).map { _ in stream.nextUniform() * 6 - 3 }
      let truth = formula(x.map(Double.init))
      #expect(
        abs(value(problem, x) - truth) < 1e-5 * max(abs(truth), 1), sourceLocation: sourceLocation)
    }
  }

  @Test("Rosenbrock's valley ends at (1, ..., 1)")
  func rosenbrock() {
    for dimensions in [2, 5] {
      check(Rosenbrock(dimensions: dimensions)) { x in
        zip(x, x.dropFirst()).reduce(0) { sum, pair in
          let (a, b) = pair
          return sum + 100 * (b - a * a) * (b - a * a) + (1 - a) * (1 - a)
        }
      }
      #expect(
        value(Rosenbrock(dimensions: dimensions), Array(repeating: 1, count: dimensions)) == 0)
    }
  }

  @Test("Himmelblau's four valleys end at 0")
  func himmelblau() {
    check(Himmelblau()) { x in
      let (a, b) = (x[0] * x[0] + x[1] - 11, x[0] + x[1] * x[1] - 7)
      return a * a + b * b
    }
    let minima: [[Float]] = [
      [3, 2], [-2.805_118, 3.131_313], [-3.779_310, -3.283_186], [3.584_428, -1.848_126],
    ]
    for minimum in minima {
      #expect(value(Himmelblau(), minimum) < 1e-8)
      #expect(gradientNorm(Himmelblau(), minimum) < 1e-2)
    }
  }

  @Test("Rastrigin's bowl has its lowest pit at 0")
  func rastrigin() {
    check(Rastrigin(dimensions: 3, amplitude: 4)) { x in
      x.reduce(0) { $0 + $1 * $1 - 4 * cosine(2 * .pi * $1) + 4 }
    }
    #expect(value(Rastrigin(), [0, 0]) == 0)
  }

  @Test("Ackley's hole is at 0")
  func ackley() {
    check(Ackley(dimensions: 3)) { x in
      let square = x.reduce(0) { $0 + $1 * $1 } / 3
      let wave = x.reduce(0) { $0 + cosine(2 * .pi * $1) } / 3
      return -20 * exponential(-0.2 * square.squareRoot()) - exponential(wave) + 20
        + exponential(1)
    }
    #expect(abs(value(Ackley(), [0, 0])) < 1e-5)
  }

  @Test("Styblinski and Tang's deepest valleys cross at -2.903534")
  func styblinskiTang() {
    check(StyblinskiTang(dimensions: 3)) { x in
      x.reduce(0) { sum, x in
        sum + (x * x * x * x - 16 * x * x + 5 * x) / 2 + 39.16616570377142
      }
    }
    let minimum = Array(repeating: Float(-2.903_534_03), count: 3)
    #expect(abs(value(StyblinskiTang(dimensions: 3), minimum)) < 1e-4)
    #expect(gradientNorm(StyblinskiTang(dimensions: 3), minimum) < 1e-4)
  }

  @Test("Beale's minimum is at (3, 0.5)")
  func beale() {
    check(Beale()) { point in
      let (x, y) = (point[0], point[1])
      let a = 1.5 - x + x * y
      let b = 2.25 - x + x * y * y
      let c = 2.625 - x + x * y * y * y
      return a * a + b * b + c * c
    }
    #expect(value(Beale(), [3, 0.5]) == 0)
  }

  @Test("a conditioned quadratic's Hessian has the curvatures from 1 to 1 / condition")
  func conditioned() {
    let problem = ConditionedQuadratic(dimensions: 6, condition: 100)
    let start = DrawnProblem(problem)
    // The Hessian's trace, and that of its square, don't depend on the rotation.
    let tape = Tape()
    let point = start.parameters.map(tape.variable)
    let loss = start.loss(point)
    let columns = (0..<6).map { axis in
      var direction = Tensor.zeros([6])
      direction.withUnsafeMutableFloats { $0[axis] = 1 }
      return hessianVectorProduct(of: loss, at: point, direction: [direction]).product[0].elements
        .map(Double.init)
    }
    let curvatures = (0..<6).map { exponential(-Double($0) / 5 * logarithm(100)) }
    let trace = (0..<6).reduce(0.0) { $0 + columns[$1][$1] }
    #expect(abs(trace - curvatures.reduce(0, +)) < 1e-5)
    let squares = columns.joined().reduce(0.0) { $0 + $1 * $1 }
    #expect(abs(squares - curvatures.reduce(0) { $0 + $1 * $1 }) < 1e-5)
    // At y the loss is 0.
    #expect(abs(value(problem, start.constants[0].elements, start.constants)) < 1e-10)
    #expect(
      value(
        ConditionedQuadratic(dimensions: 1, condition: 1), [2],
        [Tensor([1]), Tensor([1, 1, 1], shape: [3, 1])])
        == 0.5)
  }

  @Test("LASSO is half the squared distance plus the penalty")
  func lasso() {
    let a = Tensor.random([3, 4], seed: 1)
    let b = Tensor.random([3], seed: 2)
    let problem = Lasso(rows: 3, dimensions: 4, penalty: 0.25)
    let x: [Float] = [1, -2, 0, 0.5]
    var truth = 0.25 * 3.5
    for row in 0..<3 {
      let product = (0..<4).reduce(0.0) { $0 + Double(a.elements[4 * row + $1] * x[$1]) }
      truth += (product - Double(b.elements[row])) * (product - Double(b.elements[row])) / 2
    }
    #expect(abs(value(problem, x, [a, b]) - truth) < 1e-5)
    // Columns have length 1 on average.
    let drawn = DrawnProblem(Lasso(rows: 50, dimensions: 200)).constants[0]
    #expect(abs(drawn.dot(drawn) / 200 - 1) < 0.05)
  }

  @Test("logistic regression starts at ln 2, and the teacher's weights do better")
  func logistic() {
    let start = DrawnProblem(LogisticRegression(rows: 400, columns: 5, penalty: 0))
    let zero = start.loss(start.parameters.map { Variable($0) }).value.scalar
    #expect(abs(zero - 0.693147) < 1e-5)
    let teacher = [start.constants[1], Tensor([0])].map { Variable($0) }
    #expect(start.loss(teacher).value.scalar < 0.6)
  }

  @Test("a table's two classes get one output, more one each, and penalties add up")
  func tables() throws {
    let two = LogisticRegression(table: try ProblemCase.table(2))
    #expect(two.parameters.map(\.shape) == [[2, 1], [1]])
    let three = LogisticRegression(table: try ProblemCase.table(3), penalty: 0.5)
    #expect(three.parameters.map(\.shape) == [[2, 3], [3]])
    let start = DrawnProblem(three)
    #expect(abs(start.loss(start.parameters.map { Variable($0) }).value.scalar - 1.0986123) < 1e-5)
    let ones = [Tensor(repeating: 1, shape: [2, 3]), Tensor.zeros([3])].map { Variable($0) }
    // Equal outputs again, and 0.5 / 2 times six squares of 1.
    #expect(abs(start.loss(ones).value.scalar - 1.0986123 - 1.5) < 1e-5)
  }
}
