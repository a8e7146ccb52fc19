public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A multi-layer perceptron that classifies images: mean softmax cross-entropy over a minibatch.
///
/// Parameters `mlp/linear_{i}/w` and `/b`, all drawn from N(0, 0.01); the last layer has one output
/// a class. Every evaluation of the loss sees a fresh minibatch.
public struct MNISTProblem: Problem {
  /// The perceptron's parameters.
  public let parameters: [VariableSpecification]
  /// Which images an optimizee sees, if not all.
  public var constants: [VariableSpecification] { source.constants }
  /// Where minibatches are drawn from, unless the batch is fixed.
  public var datasets: [ImageDataset] { source.datasets }
  private let source: MinibatchSource
  private let network: MLP

  /// A perceptron with hidden layers of the given sizes on minibatches of `source`.
  public init(source: MinibatchSource, layers: [Int] = [20], activation: Activation = .sigmoid) {
    self.source = source
    network = MLP(sizes: layers + [MNIST.classCount], activation: activation)
    parameters = network.parameters(
      inputs: source.imageShape.count, initializer: .normal(standardDeviation: 0.01))
  }

  /// The mean cross-entropy of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    network.meanCrossEntropy(
      of: source, parameters: parameters, constants: constants, minibatch: &minibatch)
  }
}
