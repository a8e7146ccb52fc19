import Autodiff
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// A problem at its start, to be checked whatever it is.
struct ProblemCase: Sendable, CustomTestStringConvertible {
  let name: String
  let make: @Sendable () throws -> any Problem
  /// How far differences step; the smaller, the more a function bends.
  var step: Float = 0.02
  /// Whether the loss depends on the minibatch's random numbers.
  var hasMinibatches = true

  var testDescription: String { name }

  static func images(_ channels: Int = 1, classes: Int = 4) throws -> MinibatchSource {
    let pixels = Tensor.random([6, 7, 6, channels], seed: 1).affine(scale: 0.2, offset: 0.5)
    return .fixed(try ImageBatch(images: pixels, labels: [0, 3, 1, 1, 2, 0], classes: classes))
  }

  static func digits() throws -> MinibatchSource {
    let set = try MNIST.loadEmbedded(split: .test).resized(height: 6, width: 6)
    return .sampled(set, batchSize: 5, images: 100)
  }

  static func text() throws -> CharacterText { try CharacterText.embedded(split: .test) }

  static func table(_ classes: Int) throws -> NumberTable {
    let rows = (0..<30).map { "\($0 % 7),\($0 * $0 % 11),\(($0 * 5 + $0 / 3) % classes)" }
    return try NumberTable(Array(rows.joined(separator: "\n").utf8), source: "table")
  }

  /// Every type of problem; where there is a kink, with an activation that has none.
  static let all: [ProblemCase] = [
    ProblemCase(
      name: "perceptron, gelu",
      make: {
        ImagePerceptron(source: try digits(), layers: [5, 4], activation: .gelu)
      }),
    ProblemCase(
      name: "perceptron, silu",
      make: {
        ImagePerceptron(
          source: try digits(), layers: [4], activation: .silu, initialization: .small)
      }),
    ProblemCase(
      name: "softmax regression", make: { ImagePerceptron(source: try images(3), layers: []) },
      hasMinibatches: false),
    ProblemCase(
      name: "autoencoder",
      make: { Autoencoder(source: try digits(), layers: [8, 3, 8], activation: .tanh) }),
    ProblemCase(
      name: "lstm",
      make: {
        CharacterModel(
          text: try text(), cell: .lstm, embeddingSize: 3, hidden: 4, length: 5, batchSize: 3)
      }),
    ProblemCase(
      name: "gru",
      make: {
        CharacterModel(
          text: try text(), cell: .gru, embeddingSize: 3, hidden: 4, length: 5, batchSize: 3)
      }),
    ProblemCase(
      name: "transformer",
      make: {
        CharacterTransformer(
          text: try text(), size: 6, heads: 2, blocks: 2, length: 5, batchSize: 2)
      }),
    ProblemCase(
      name: "rosenbrock", make: { Rosenbrock(dimensions: 4) }, step: 0.005, hasMinibatches: false),
    ProblemCase(
      name: "rastrigin", make: { Rastrigin(dimensions: 3) }, step: 0.005, hasMinibatches: false),
    ProblemCase(
      name: "ackley", make: { Ackley(dimensions: 3) }, step: 0.005, hasMinibatches: false),
    ProblemCase(
      name: "styblinski-tang", make: { StyblinskiTang(dimensions: 3) }, hasMinibatches: false),
    ProblemCase(name: "beale", make: { Beale() }, step: 0.005, hasMinibatches: false),
    ProblemCase(name: "himmelblau", make: { Himmelblau() }, step: 0.005, hasMinibatches: false),
    ProblemCase(
      name: "conditioned quadratic",
      make: { ConditionedQuadratic(dimensions: 7, condition: 1000) }, hasMinibatches: false),
    ProblemCase(
      name: "lasso", make: { Lasso(rows: 4, dimensions: 6) }, step: 0.002, hasMinibatches: false),
    ProblemCase(
      name: "logistic regression", make: { LogisticRegression(rows: 20, columns: 3) },
      hasMinibatches: false),
    ProblemCase(
      name: "logistic regression of a table",
      make: { LogisticRegression(table: try table(2), batchSize: 7, penalty: 0.1) }),
    ProblemCase(
      name: "softmax regression of a table", make: { LogisticRegression(table: try table(3)) },
      hasMinibatches: false),
    ProblemCase(
      name: "scaled rosenbrock",
      make: {
        ScaledProblem(Rosenbrock(), scales: [Tensor([0.5, 2])])
      }, step: 0.005, hasMinibatches: false),
    ProblemCase(
      name: "randomly scaled, with a convex term",
      make: {
        var stream = RandomStream(seed: 1, purpose: .test)
        return RandomScaling(Simple(dimensions: 3), range: 1).member(&stream)
      }, hasMinibatches: false),
  ]
}

/// A problem with parameters and constants drawn.
struct DrawnProblem {
  let problem: any Problem
  let parameters: [Tensor]
  let constants: [Tensor]
  let minibatch = RandomStream(seed: 4, purpose: .minibatch)

  init(_ problem: any Problem, seed: UInt64 = 4) {
    self.problem = problem
    var stream = RandomStream(seed: seed, purpose: .problem)
    parameters = problem.parameters.map { $0.initializer($0.shape, &stream) }
    constants = problem.constants.map { $0.initializer($0.shape, &stream) }
  }

  func loss(_ parameters: [Variable], minibatch: RandomStream? = nil) -> Variable {
    var minibatch = minibatch ?? self.minibatch
    return problem.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
  }
}
