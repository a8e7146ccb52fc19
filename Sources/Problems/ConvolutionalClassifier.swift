public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A network of strided convolutions without normalization that classifies images: mean softmax
/// cross-entropy over a minibatch.
///
/// 3 x 3 filters with ReLU, the first layer with stride 2, the others with the stride asked for; the
/// mean over all places; a linear layer with an output a class. Parameters `conv_{i}/w` [3, 3, in, out]
/// and `/b`, `linear/w` and `/b`; weights start scaled by inputs, biases at 0.
public struct ConvolutionalClassifier: Classifier {
  /// The network's parameters.
  public let parameters: [VariableSpecification]
  /// Which images an optimizee sees, if not all.
  public var constants: [VariableSpecification] { source.constants }
  /// Where minibatches are drawn from, unless the batch is fixed.
  public var datasets: [ImageDataset] { source.datasets }
  /// The number of classes.
  public let classCount: Int
  private let source: MinibatchSource
  private let channels: [Int]
  private let stride: Int

  /// Height and width of the filters.
  static let window = 3

  /// A network with the given numbers of filters on minibatches of `source`.
  ///
  /// - Throws: `ProblemError.invalidBatch` unless images have height, width and channels above 0.
  public init(
    source: MinibatchSource, channels: [Int] = [8, 16], stride: Int = 2
  ) throws(ProblemError) {
    let image = source.imageShape
    guard image.rank == 3, image.count > 0 else {
      throw .invalidBatch(
        reason: "images of shape \(image) are not [height, width, channels], as convolutions need")
    }
    precondition(stride > 0 && channels.allSatisfy { $0 > 0 }, "\(channels), stride \(stride)")
    self.source = source
    self.channels = channels
    self.stride = stride
    classCount = source.classCount
    let initialization = Initialization.scaledByInputs
    var depth = image[2]
    var parameters: [VariableSpecification] = []
    for (index, filters) in channels.enumerated() {
      parameters += [
        VariableSpecification(
          "conv_\(index)/w", [Self.window, Self.window, depth, filters],
          initialization.weights(inputs: Self.window * Self.window * depth)),
        VariableSpecification("conv_\(index)/b", [filters], .zeros),
      ]
      depth = filters
    }
    self.parameters =
      parameters + [
        VariableSpecification(
          "linear/w", [depth, classCount], initialization.weights(inputs: depth)),
        VariableSpecification("linear/b", [classCount], .zeros),
      ]
  }

  /// The mean cross-entropy of one minibatch.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let (images, labels) = source.draw(&minibatch, constants: constants)
    var x = Variable(images)
    for index in channels.indices {
      x = x.convolution2D(
        parameters[2 * index], bias: parameters[2 * index + 1], stride: index == 0 ? 2 : stride
      ).relu()
    }
    let shape = x.shape
    let places = shape[1] * shape[2]
    let means =
      x.sum(to: [shape[0], 1, 1, shape[3]])
      .reshaped(to: Shape(rows: shape[0], columns: shape[3])) * (1 / Float(places))
    return linear(means, w: parameters[2 * channels.count], b: parameters[2 * channels.count + 1])
      .meanCrossEntropy(labels: labels)
  }
}
