import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

extension Activation {
  /// The function in double precision.
  var inDoubles: (Double) -> Double {
    switch self {
    case .sigmoid: { 1 / (1 + exponential(-$0)) }
    case .relu: { max($0, 0) }
    case .tanh: hyperbolicTangent
    case .gelu: TestSupport.gelu
    case .silu: TestSupport.silu
    case .elu: TestSupport.elu
    case .identity: { $0 }
    }
  }
}

@Suite("MNISTProblem")
struct MNISTProblemTests {
  @Test("a perceptron's loss is that of the formula", arguments: Activation.allCases)
  func formula(activation: Activation) throws {
    let images = Tensor.random([4, 6], seed: 1)
    let labels: [Int32] = [3, 0, 9, 3]
    let problem = MNISTProblem(
      source: .fixed(try ImageBatch(images: images, labels: labels)), layers: [5, 4],
      activation: activation)
    #expect(
      problem.parameters.map(\.name)
        == (0..<3).flatMap { ["mlp/linear_\($0)/w", "mlp/linear_\($0)/b"] })
    #expect(problem.parameters.map(\.shape) == [[6, 5], [5], [5, 4], [4], [4, 10], [10]])
    let values = problem.parameters.enumerated().map { Tensor.random($1.shape, seed: 2 + $0) }
    var stream = RandomStream(seed: 0, purpose: .test)
    let loss = problem.loss(
      parameters: values.map { Variable($0) }, constants: [], minibatch: &stream
    ).value

    var x = images.naive
    for layer in 0..<3 {
      if layer > 0 {
        x = x.map(activation.inDoubles)
      }
      x = NaiveTensor.product(x, values[2 * layer].naive)
        .combined(with: values[2 * layer + 1].naive, +)
    }
    let truth = x.meanCrossEntropy(labels: labels).elements[0]
    // A few dozen float32 operations on numbers near 1.
    #expect(abs(Double(loss.scalar) - truth) < 2e-6 * truth)
  }

  @Test("images with height, width and channels are flattened in their order")
  func flattening() throws {
    let pixels = Tensor.random([3, 12], seed: 4)
    let labels: [Int32] = [1, 2, 3]
    let losses = try [[3, 12], [3, 2, 2, 3], [3, 4, 3, 1]].map { shape in
      let problem = MNISTProblem(
        source: .fixed(
          try ImageBatch(images: pixels.reshaped(to: Shape(shape)), labels: labels)), layers: [])
      #expect(problem.parameters.map(\.shape) == [[12, 10], [10]])
      var stream = RandomStream(seed: 0, purpose: .test)
      let values = [Tensor.random([12, 10], seed: 5), Tensor.random([10], seed: 6)]
      return problem.loss(
        parameters: values.map { Variable($0) }, constants: [], minibatch: &stream
      ).value.scalar
    }
    #expect(Set(losses).count == 1)
  }

  @Test("a fixed batch replaces the data set and sets the inputs")
  func fixedBatch() throws {
    let batch = try ImageBatch(images: .zeros([2, 9]), labels: [0, 1])
    let built = try Catalog.standard.problem(named: "mnist").make(
      data: ProblemData(split: .train, directory: "/nonexistent/data", fixedBatch: batch))
    #expect(built.dataset == nil)
    #expect(built.problem.parameters[0].shape == [9, 20])
  }

  @Test("training and test splits are different images")
  func splits() throws {
    let sets = try [DatasetSplit.train, .test].map {
      try Catalog.standard.problem(named: "mnist").make(data: ProblemData(split: $0)).dataset
    }
    #expect(sets[0] != nil && sets[1] != nil)
    #expect(sets[0]?.contentHash() != sets[1]?.contentHash())
  }

  @Test("an untrained perceptron's loss is that of guessing")
  func guessing() throws {
    let problem = try Catalog.standard.problem(named: "mnist").make(
      data: ProblemData(split: .train)
    )
    .problem
    var stream = RandomStream(seed: 0, purpose: .problem)
    let values = problem.parameters.map { $0.initializer($0.shape, &stream) }
    var minibatch = RandomStream(seed: 0, purpose: .minibatch)
    let loss = problem.loss(
      parameters: values.map { Variable($0) }, constants: [], minibatch: &minibatch)
    // log 10 = 2.303; weights of 0.01 move the logits by some 0.02.
    #expect(abs(loss.value.scalar - 2.303) < 0.05)
  }
}
