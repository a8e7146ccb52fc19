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
  }

  /// The mean cross-entropy of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    network.meanCrossEntropy(
      of: source, parameters: parameters, constants: constants, minibatch: &minibatch)
  }
}
