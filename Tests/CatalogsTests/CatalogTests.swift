import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// What every problem of the catalog must do.
@Suite("Catalog")
struct CatalogTests {
  /// A problem at its start.
  private struct Start {
    let problem: any Problem
    let parameters: [Tensor]
    let constants: [Tensor]
    let minibatch = RandomStream(seed: 4, purpose: .minibatch)

    init(_ name: String, options: [String: String]? = nil) throws {
      problem = try CatalogTests.make(name, options: options).problem
      var stream = RandomStream(seed: 4, purpose: .problem)
      parameters = problem.parameters.map { $0.initializer($0.shape, &stream) }
      constants = problem.constants.map { $0.initializer($0.shape, &stream) }
    }

    func loss(_ parameters: [Variable], minibatch: RandomStream? = nil) -> Variable {
      var minibatch = minibatch ?? self.minibatch
      return problem.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
    }

    /// Loss and gradient at the start plus `step` times a direction.
    func slope(_ direction: [Tensor], step: Float) -> (loss: Double, gradient: [Double]) {
      let tape = Tape()
      let point = zip(parameters, direction).map {
        tape.variable($0 + $1.affine(scale: step, offset: 0))
      }
      let loss = loss(point)
      return (
        Double(loss.value.scalar),
        gradient(of: loss, withRespectTo: point).flatMap { $0.value.elements.map(Double.init) }
      )
    }

    /// A direction of length 1.
    func direction(seed: Int) -> [Tensor] {
      let raw = problem.parameters.enumerated().map { Tensor.random($1.shape, seed: seed + $0) }
      let norm = raw.reduce(0) { $0 + $1.dot($1) }.squareRoot()
      return raw.map { $0.affine(scale: Float(1 / norm), offset: 0) }
    }
  }

  static let names = Catalog.standard.problems.map(\.name)

  /// Without kinks, and bent so little that one step of the differences does for all; every type of
  /// problem has its own in ProblemTypesTests.
  static let smooth = ["simple", "simple-multi", "quadratic", "mnist", "softmax-regression"]

  /// A problem on data that are always there, by default of a size that takes no time.
  static func make(_ name: String, options: [String: String]? = nil) throws -> BuiltProblem {
    let isCIFAR = name.hasPrefix("cifar")
    let small = isCIFAR ? ["conv_channels": "2,3", "linear_layers": "4", "batch_size": "4"] : [:]
    return try Catalog.standard.problem(named: name).make(
      options: options ?? small,
      data: ProblemData(split: .train, directory: isCIFAR ? "synthetic" : nil))
  }

  @Test("names of problems and of their options are unique and written for the command line")
  func uniqueNames() {
    #expect(Set(Self.names).count == Self.names.count)
    for entry in Catalog.standard.problems {
      let options = entry.options.map(\.name)
      #expect(Set(options).count == options.count)
      #expect(!entry.summary.isEmpty)
      #expect(entry.name.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil)
    }
  }

  @Test("defaults are what they say: giving them changes nothing", arguments: names)
  func defaults(name: String) throws {
    let options = try Catalog.standard.problem(named: name).options
    // Where no file is given, the default is told in words.
    let given = Dictionary(
      uniqueKeysWithValues: options.filter { !["text", "table"].contains($0.name) }
        .map { ($0.name, $0.standard) })
    let plain = try Start(name, options: [:])
    let written = try Start(name, options: given)
    #expect(plain.problem.parameters.map(\.shape) == written.problem.parameters.map(\.shape))
    #expect(plain.parameters.map(\.elements) == written.parameters.map(\.elements))
    #expect(plain.constants.map(\.elements) == written.constants.map(\.elements))
  }

  @Test("parameters and constants have unique names and finite values", arguments: names)
  func variables(name: String) throws {
    let start = try Start(name)
    let variables = start.problem.parameters + start.problem.constants
    #expect(Set(variables.map(\.name)).count == variables.count)
    #expect(!start.problem.parameters.isEmpty)
    for (variable, value) in zip(variables, start.parameters + start.constants) {
      #expect(value.shape == variable.shape)
      #expect(value.isFinite)
    }
  }

  @Test("the loss is a finite scalar, the same for the same minibatch stream", arguments: names)
  func determinism(name: String) throws {
    let start = try Start(name)
    let constants = start.parameters.map { Variable($0) }
    let loss = start.loss(constants)
    #expect(loss.shape == .scalar)
    #expect(loss.value.isFinite)
    #expect(start.loss(constants).value.scalar == loss.value.scalar)
    let tape = Tape()
    #expect(start.loss(start.parameters.map(tape.variable)).value.scalar == loss.value.scalar)
  }

  @Test("only problems on data depend on the minibatch stream", arguments: names)
  func minibatches(name: String) throws {
    let start = try Start(name)
    let other = RandomStream(seed: 4, purpose: .minibatch, step: 1)
    let constants = start.parameters.map { Variable($0) }
    let built = try Self.make(name)
    let same =
      start.loss(constants).value.scalar == start.loss(constants, minibatch: other).value.scalar
    #expect(same == (built.dataset == nil && !name.hasPrefix("char-")))
  }

  @Test("the gradient agrees with differences of the loss", arguments: smooth)
  func firstDerivative(name: String) throws {
    let start = try Start(name)
    let gradient = start.slope(start.direction(seed: 0), step: 0).gradient
    // Along the gradient itself, where the slope is its norm, and a random direction beside it.
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(norm > 0)
    for seed in 1...3 {
      let random = start.direction(seed: seed * 100)
      var offset = 0
      let direction = random.map { tensor in
        defer { offset += tensor.count }
        return tensor.affine(scale: 0.5, offset: 0)
          + Tensor(
            gradient[offset..<offset + tensor.count].map { Float($0 / norm) }, shape: tensor.shape)
      }
      let h: Float = 0.0625
      let values = [h, -h, 2 * h, -2 * h].map { start.slope(direction, step: $0).loss }
      // Fourth order: truncation h^4 ~ 1e-5 of the slope, rounding 1e-7 f / h ~ 3e-6 f.
      let difference = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * Double(h))
      let slope = zip(gradient, direction.flatMap(\.elements)).reduce(0) {
        $0 + $1.0 * Double($1.1)
      }
      #expect(abs(slope - difference) < 1e-3 * abs(slope), "\(slope) against \(difference)")
    }
  }

  @Test("the second derivative agrees with differences of the gradient", arguments: smooth)
  func secondDerivative(name: String) throws {
    let start = try Start(name)
    let tape = Tape()
    let point = start.parameters.map(tape.variable)
    let direction = start.direction(seed: 7)
    let result = hessianVectorProduct(of: start.loss(point), at: point, direction: direction)
    let h: Float = 0.0625
    func difference(_ h: Float) -> [Double] {
      zip(start.slope(direction, step: h).gradient, start.slope(direction, step: -h).gradient)
        .map { ($0 - $1) / (2 * Double(h)) }
    }
    let differences = zip(difference(h), difference(2 * h)).map { (4 * $0 - $1) / 3 }
    let product = result.product.flatMap { $0.elements.map(Double.init) }
    // Rounding 1e-7 |g| / h over a product that can be small beside the gradient.
    #expect(relativeError(product, differences) < 1e-3)
    #expect(
      result.gradient.flatMap { $0.elements.map(Double.init) }
        == start.slope(direction, step: 0).gradient)
  }

  @Test(
    "a loss and its gradient record no more values than the budget",
    arguments: [
      ("simple", 2), ("simple-multi", 5), ("quadratic", 9), ("mnist", 11), ("cifar", 23),
    ])
  func budget(name: String, count: Int) throws {
    // Parameters, constants that meet them, and one value an operation.
    let start = try Start(name)
    let tape = Tape()
    let point = start.parameters.map(tape.variable)
    let loss = start.loss(point)
    #expect(tape.count == count)
    _ = gradient(of: loss, withRespectTo: point)
    #expect(tape.count == count)
  }
}
