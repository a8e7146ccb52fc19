public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A multi-layer perceptron of any shape that classifies images: mean softmax cross-entropy over a
/// minibatch.
///
/// Parameters `mlp/linear_{i}/w` and `/b`; the last layer has one output a class. Without hidden layers
/// it is softmax regression. Layers are computed as a whole (`MLP.isFused`): the gradient of the
/// 64-32-10 one at batch 64 takes some 20 microseconds.
public struct ImagePerceptron: Classifier {
  /// The perceptron's parameters.
  public let parameters: [VariableSpecification]
  /// Which images an optimizee sees, if not all.
  public var constants: [VariableSpecification] { source.constants }
  /// Where minibatches are drawn from, unless the batch is fixed.
  public var datasets: [ImageDataset] { source.datasets }
  /// The number of classes.
  public let classCount: Int
  private let source: MinibatchSource
  private let network: MLP
  private let pass: PerceptronPass?

  /// A perceptron with hidden layers of the given sizes on minibatches of `source`.
  public init(
    source: MinibatchSource, layers: [Int] = [32], activation: Activation = .relu,
    initialization: Initialization = .scaledByInputs
  ) {
    self.source = source
    classCount = source.classCount
    network = MLP(sizes: layers + [classCount], activation: activation, isFused: true)
    parameters = network.parameters(
      inputs: source.imageShape.count, biases: initialization.biases,
      weights: initialization.weights)
    pass =
      if case .sampled(_, let rows, _) = source {
        network.pass(rows: rows, inputs: source.imageShape.count)
      } else {
        nil
      }
  }

  /// The mean cross-entropy of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    network.meanCrossEntropy(
      of: source, parameters: parameters, constants: constants, minibatch: &minibatch)
  }
}

extension ImagePerceptron: DirectGradient {
  /// On drawn minibatches, and where products are small.
  package var findsGradients: Bool { pass != nil }

  /// The mean cross-entropy of one minibatch and its gradient.
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    guard case .sampled(let dataset, let rows, let part) = source, let pass else {
      preconditionFailure("a perceptron that needs a tape")
    }
    // Labels after the floats.
    if memory.count < pass.floats + rows {
      memory = Tensor(uninitialized: Shape(vector: pass.floats + rows)) { _ in }
    }
    return memory.withUnsafeMutableFloats { memory in
      (memory + pass.floats).withMemoryRebound(to: Int32.self, capacity: rows) { labels in
        dataset.draw(
          &minibatch, part: part, constants: constants,
          images: UnsafeMutableBufferPointer(start: memory, count: rows * dataset.pixelsPerImage),
          labels: UnsafeMutableBufferPointer(start: labels, count: rows))
        return pass.lossAndGradient(
          at: parameters, offsets: offsets, labels: labels, memory: memory, into: gradient)
      }
    }
  }
}
