import Autodiff
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// Losses of networks against loops in double precision.
@Suite("Networks")
struct NetworkTests {
  private func loss(_ problem: any Problem, _ values: [Tensor]) -> Double {
    var stream = RandomStream(seed: 3, purpose: .test)
    return Double(
      problem.loss(
        parameters: values.map { Variable($0) }, constants: [], minibatch: &stream
      ).value.scalar)
  }

  private func values(_ problem: any Problem) -> [String: NaiveTensor] {
    Dictionary(
      uniqueKeysWithValues: problem.parameters.enumerated().map {
        ($1.name, Tensor.random($1.shape, seed: $0, standardDeviation: 0.5).naive)
      })
  }

  private func tensors(_ problem: any Problem) -> [Tensor] {
    problem.parameters.enumerated().map {
      Tensor.random($1.shape, seed: $0, standardDeviation: 0.5)
    }
  }

  @Test(
    "a perceptron's loss is the formula's, whatever its depth and activation",
    arguments: Activation.allCases)
  func perceptron(activation: Activation) throws {
    for layers in [[], [5], [5, 3, 4]] {
      let source = try ProblemCase.images(3)
      let problem = ImagePerceptron(source: source, layers: layers, activation: activation)
      #expect(problem.classCount == 4)
      #expect(problem.parameters.count == 2 * layers.count + 2)
      var stream = RandomStream(seed: 3, purpose: .test)
      let (images, labels) = source.draw(&stream)
      let v = values(problem)
      var x = images.naive.reshaped(to: [6, 126])
      for layer in 0...layers.count {
        if layer > 0 { x = x.map(activation.inDoubles) }
        let w = try #require(v["mlp/linear_\(layer)/w"])
        let b = try #require(v["mlp/linear_\(layer)/b"])
        x = NaiveTensor.product(x, w).combined(with: b, +)
      }
      let truth = x.meanCrossEntropy(labels: labels).elements[0]
      #expect(abs(loss(problem, tensors(problem)) - truth) < 1e-5 * truth)
    }
  }

  @Test("weights start as the initialization says")
  func initialization() throws {
    let scaled = DrawnProblem(ImagePerceptron(source: try ProblemCase.images(3), layers: [200]))
    let w = scaled.parameters[0]
    // A normal distribution cut off at two deviations has 0.88 of its deviation.
    let deviation = (w.dot(w) / Double(w.count)).squareRoot() * 126.0.squareRoot()
    #expect(abs(deviation - 0.88) < 0.02)
    #expect(w.elements.allSatisfy { abs($0) <= 2 / Float(126).squareRoot() })
    #expect(scaled.parameters[1].elements.allSatisfy { $0 == 0 })
    let small = DrawnProblem(
      ImagePerceptron(source: try ProblemCase.images(3), layers: [200], initialization: .small))
    let square = small.parameters[0].dot(small.parameters[0]) / Double(w.count)
    #expect(abs(square.squareRoot() - 0.01) < 0.0005)
    #expect(small.parameters[1].elements.contains { $0 != 0 })
  }

  @Test("an autoencoder's loss is the mean squared distance of images and sigmoids")
  func autoencoder() throws {
    let source = try ProblemCase.images()
    let problem = Autoencoder(source: source, layers: [3], activation: .relu)
    var stream = RandomStream(seed: 3, purpose: .test)
    let x = source.draw(&stream).images.naive.reshaped(to: [6, 42])
    let v = values(problem)
    func layer(_ x: NaiveTensor, _ index: Int) throws -> NaiveTensor {
      NaiveTensor.product(x, try #require(v["mlp/linear_\(index)/w"]))
        .combined(with: try #require(v["mlp/linear_\(index)/b"]), +)
    }
    let y = try layer(layer(x, 0).map { max($0, 0) }, 1).map { 1 / (1 + exponential(-$0)) }
    let truth = x.combined(with: y) { ($0 - $1) * ($0 - $1) }.sum(to: []).elements[0] / (6 * 42)
    #expect(abs(loss(problem, tensors(problem)) - truth) < 1e-5 * truth)
  }

  @Test("a convolutional classifier's loss is the formula's", arguments: [1, 2])
  func convolutions(stride: Int) throws {
    let source = try ProblemCase.images(2)
    let problem = try ConvolutionalClassifier(source: source, channels: [3, 5], stride: stride)
    #expect(
      problem.parameters.map(\.shape) == [[3, 3, 2, 3], [3], [3, 3, 3, 5], [5], [5, 4], [4]])
    var stream = RandomStream(seed: 3, purpose: .test)
    let (images, labels) = source.draw(&stream)
    let v = values(problem)
    var x = images.naive
    for layer in 0..<2 {
      x = x.convolution2D(
        try #require(v["conv_\(layer)/w"]), stride: layer == 0 ? 2 : stride, padding: .same
      ).combined(with: try #require(v["conv_\(layer)/b"]), +).map { max($0, 0) }
    }
    let places = Double(x.shape[1] * x.shape[2])
    let means = x.sum(to: [6, 1, 1, 5]).map { $0 / places }.reshaped(to: [6, 5])
    let outputs = NaiveTensor.product(means, try #require(v["linear/w"]))
      .combined(with: try #require(v["linear/b"]), +)
    let truth = outputs.meanCrossEntropy(labels: labels).elements[0]
    #expect(abs(loss(problem, tensors(problem)) - truth) < 1e-5 * truth)
    let flat = MinibatchSource.fixed(try ImageBatch(images: .zeros([2, 9]), labels: [0, 1]))
    #expect(throws: ProblemError.self) { try ConvolutionalClassifier(source: flat) }
  }
}
