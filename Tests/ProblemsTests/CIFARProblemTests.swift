import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

@Suite("CIFARProblem")
struct CIFARProblemTests {
  /// Three images of 5 x 6 pixels with 2 channels.
  private let images = Tensor.random([3, 5, 6, 2], seed: 1)
  private let labels: [Int32] = [3, 0, 9]

  private func problem(
    channels: [Int], layers: [Int], isNormalized: Bool
  ) throws -> CIFARProblem {
    try CIFARProblem(
      source: .fixed(try ImageBatch(images: images, labels: labels)),
      convolutionChannels: channels, linearLayers: layers, isNormalized: isNormalized)
  }

  private func loss(_ problem: CIFARProblem, _ values: [Tensor]) -> Double {
    var stream = RandomStream(seed: 0, purpose: .test)
    return Double(
      problem.loss(
        parameters: values.map { Variable($0) }, constants: [], minibatch: &stream
      ).value.scalar)
  }

  /// The loss in doubles: with the bias, and ReLU before the maximum.
  private func naiveLoss(
    _ values: [String: NaiveTensor], convolutions: Int, hidden: Int, isNormalized: Bool
  ) throws -> Double {
    func value(_ name: String) throws -> NaiveTensor { try #require(values[name]) }
    var x = images.naive
    for layer in 0..<convolutions {
      let name = "conv_net_2d/conv_2d_\(layer)"
      x = x.convolution2D(try value("\(name)/w"), stride: 1, padding: .same)
        .combined(with: try value("\(name)/b"), +)
      if isNormalized {
        x = x.batchNormalized(
          offset: try value("conv_net_2d/batch_norm_\(layer)/beta"), epsilon: 1e-3)
      }
      x = x.map { max($0, 0) }.maxPool2D(window: 2, stride: 2, padding: .same).maxima
    }
    x = x.reshaped(to: [3, x.elements.count / 3])
    for layer in 0...hidden {
      x = NaiveTensor.product(x, try value("mlp/linear_\(layer)/w"))
        .combined(with: try value("mlp/linear_\(layer)/b"), +)
      guard layer < hidden else { break }
      if isNormalized {
        let name = layer == 0 ? "mlp/batch_norm" : "mlp/batch_norm_\(layer)"
        x = x.batchNormalized(offset: try value("\(name)/beta"), epsilon: 1e-3)
      }
      x = x.map { max($0, 0) }
    }
    return x.meanCrossEntropy(labels: labels).elements[0]
  }

  @Test(
    "the loss is that of the formula",
    arguments: [([3, 2], [4]), ([3], [4, 5]), ([], [4]), ([2, 2, 2, 2], [])], [true, false])
  func formula(sizes: ([Int], [Int]), isNormalized: Bool) throws {
    let problem = try problem(channels: sizes.0, layers: sizes.1, isNormalized: isNormalized)
    let values = problem.parameters.enumerated().map { Tensor.random($1.shape, seed: 2 + $0) }
    let truth = try naiveLoss(
      Dictionary(
        uniqueKeysWithValues: zip(problem.parameters.map(\.name), values.map(\.naive))),
      convolutions: sizes.0.count, hidden: sizes.1.count, isNormalized: isNormalized)
    // A few hundred float32 operations on numbers up to some tens.
    #expect(abs(loss(problem, values) - truth) < 2e-5 * truth)
  }

  @Test("parameters have the reference program's names, in its order")
  func names() throws {
    let problem = try problem(channels: [3, 2], layers: [4, 5], isNormalized: true)
    #expect(
      problem.parameters.map(\.name) == [
        "conv_net_2d/conv_2d_0/w", "conv_net_2d/conv_2d_0/b", "conv_net_2d/batch_norm_0/beta",
        "conv_net_2d/conv_2d_1/w", "conv_net_2d/conv_2d_1/b", "conv_net_2d/batch_norm_1/beta",
        "mlp/linear_0/w", "mlp/linear_0/b", "mlp/batch_norm/beta",
        "mlp/linear_1/w", "mlp/linear_1/b", "mlp/batch_norm_1/beta",
        "mlp/linear_2/w", "mlp/linear_2/b",
      ])
    // 5 x 6 pixels are 3 x 3, then 2 x 2.
    #expect(
      problem.parameters.map(\.shape) == [
        [5, 5, 2, 3], [3], [3], [5, 5, 3, 2], [2], [2], [8, 4], [4], [4], [4, 5], [5], [5],
        [5, 10], [10],
      ])
    let plain = try self.problem(channels: [3], layers: [4], isNormalized: false)
    #expect(!plain.parameters.contains { $0.name.hasSuffix("beta") })
  }

  @Test("the default network is the reference program's, on images of the data's size")
  func defaults() throws {
    let built = try Catalog.standard.problem(named: "cifar").make(
      data: ProblemData(split: .test, directory: "synthetic"))
    #expect(built.dataset?.channels == 3)
    #expect(
      built.problem.parameters.map(\.shape) == [
        [5, 5, 3, 16], [16], [16], [5, 5, 16, 16], [16], [16], [5, 5, 16, 16], [16], [16],
        [256, 32], [32], [32], [32, 10], [10],
      ])
  }

  @Test(
    "filters, weights and biases start at N(0, 0.01), offsets at 0; the loss is that of guessing")
  func start() throws {
    let built = try Catalog.standard.problem(named: "cifar").make(
      options: ["conv_channels": "8,8", "batch_size": "32"],
      data: ProblemData(split: .train, directory: "synthetic"))
    var stream = RandomStream(seed: 0, purpose: .problem)
    let values = built.problem.parameters.map { $0.initializer($0.shape, &stream) }
    for (parameter, value) in zip(built.problem.parameters, values) {
      if parameter.name.hasSuffix("beta") {
        #expect(value.elements.allSatisfy { $0 == 0 })
      } else if value.count > 500 {
        let square = value.elements.reduce(0) { $0 + Double($1 * $1) } / Double(value.count)
        #expect(abs(square.squareRoot() - 0.01) < 0.001)
      }
    }
    var minibatch = RandomStream(seed: 0, purpose: .minibatch)
    let loss = built.problem.loss(
      parameters: values.map { Variable($0) }, constants: [], minibatch: &minibatch
    ).value.scalar
    // Hidden units of about 1 through weights of 0.01 move the logits by some 0.05.
    #expect(abs(loss - 2.303) < 0.05)
  }

  @Test(
    "images without rows and columns are an error",
    arguments: [[4, 12], [4, 3, 4], [4, 0, 3, 1]])
  func wrongImages(shape: [Int]) throws {
    let batch = try ImageBatch(images: .zeros(Shape(shape)), labels: [0, 1, 2, 3])
    for name in ["cifar", "cifar-multi"] {
      let error = #expect(throws: ProblemError.self) {
        try Catalog.standard.problem(named: name).make(
          data: ProblemData(split: .train, fixedBatch: batch))
      }
      guard case .invalidBatch(let reason) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(reason.contains("\(Array(shape.dropFirst()))"))
    }
  }
}
