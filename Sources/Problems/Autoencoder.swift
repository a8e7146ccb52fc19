public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A perceptron that gives images back through narrow layers: the mean over all pixels of
/// (x - sigmoid(z))^2 for outputs z.
///
/// Parameters `mlp/linear_{i}/w` and `/b`; the last layer has one output a pixel.
public struct Autoencoder: Problem {
  /// The perceptron's parameters.
  public let parameters: [VariableSpecification]
  /// Which images an optimizee sees, if not all.
  public var constants: [VariableSpecification] { source.constants }
  /// Where minibatches are drawn from, unless the batch is fixed.
  public var datasets: [ImageDataset] { source.datasets }
  private let source: MinibatchSource
  private let network: MLP

  /// A perceptron with hidden layers of the given sizes on minibatches of `source`.
  public init(
    source: MinibatchSource, layers: [Int] = [32, 8, 32], activation: Activation = .relu,
    initialization: Initialization = .scaledByInputs
  ) {
    self.source = source
    let pixels = source.imageShape.count
    network = MLP(sizes: layers + [pixels], activation: activation, isFused: true)
    parameters = network.parameters(
      inputs: pixels, biases: initialization.biases, weights: initialization.weights)
  }

  /// The mean squared error of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let (images, labels) = source.draw(&minibatch, constants: constants)
    let rows = Variable(
      images.reshaped(to: Shape(rows: labels.count, columns: images.count / labels.count)))
    let outputs = network(rows, parameters: parameters[...]).sigmoid()
    return (rows - outputs).squared().mean()
  }
}
