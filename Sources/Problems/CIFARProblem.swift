public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A convolutional network that classifies colour images: mean softmax cross-entropy over a
/// minibatch.
///
/// Convolutions (`ConvNet2D`), the images flattened in the order row, column, channel, linear
/// layers (`MLP`, with ReLU) and one more with an output a class. Weights and biases are drawn from
/// N(0, 0.01), the offsets of batch normalization start at 0. Every evaluation of the loss sees a
/// fresh minibatch, whose own statistics normalize it.
public struct CIFARProblem: Problem {
  /// The network's parameters.
  public let parameters: [VariableSpecification]
  /// Which images an optimizee sees, if not all.
  public var constants: [VariableSpecification] { source.constants }
  /// Where minibatches are drawn from, unless the batch is fixed.
  public var datasets: [ImageDataset] { source.datasets }
  private let source: MinibatchSource
  private let convolutions: ConvNet2D
  private let perceptron: MLP

  /// A network with the given numbers of filters and sizes of hidden layers on minibatches of
  /// `source`.
  ///
  /// - Throws: `ProblemError.invalidBatch` unless images have height, width and channels above 0.
  public init(
    source: MinibatchSource, convolutionChannels: [Int] = [16, 16, 16], linearLayers: [Int] = [32],
    isNormalized: Bool = true
  ) throws(ProblemError) {
    let image = source.imageShape
    guard image.rank == 3, image.count > 0 else {
      throw .invalidBatch(
        reason: "images of shape \(image) are not [height, width, channels], as convolutions need")
    }
    self.source = source
    convolutions = ConvNet2D(channels: convolutionChannels, isNormalized: isNormalized)
    perceptron = MLP(
      sizes: linearLayers + [CIFAR10.classCount], activation: .relu, isNormalized: isNormalized)
    let initializer = Initializer.normal(standardDeviation: 0.01)
    parameters =
      convolutions.parameters(inputs: image[2], initializer: initializer)
      + perceptron.parameters(
        inputs: convolutions.outputShape(image: image).count, initializer: initializer)
  }

  /// The mean cross-entropy of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let (images, labels) = source.draw(&minibatch, constants: constants)
    let features = convolutions(
      Variable(images), parameters: parameters[..<convolutions.parameterCount])
    let rows = features.reshaped(
      to: Shape(rows: labels.count, columns: features.shape.count / labels.count))
    return perceptron(rows, parameters: parameters[convolutions.parameterCount...])
      .meanCrossEntropy(labels: labels)
  }
}
