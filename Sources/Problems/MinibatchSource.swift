internal import Autodiff
public import Datasets
public import Layers
public import Tensors

/// Images and their classes.
public struct ImageBatch: Sendable {
  /// Pixels in [0, 1], [B, height, width, channels] or [B, pixels].
  public let images: Tensor
  /// The class of each image.
  public let labels: [Int32]
  /// The number of classes.
  public let classCount: Int

  /// A batch of images.
  ///
  /// - Throws: `ProblemError.invalidBatch` unless there is one label an image, each a class.
  public init(images: Tensor, labels: [Int32], classes: Int = 10) throws(ProblemError) {
    guard images.shape.rank >= 2, images.shape[0] > 0 else {
      throw .invalidBatch(reason: "images of shape \(images.shape) are no batch of images")
    }
    guard images.shape[0] == labels.count else {
      throw .invalidBatch(
        reason: "there are \(images.shape[0]) images but \(labels.count) labels")
    }
    if let wrong = labels.firstIndex(where: { $0 < 0 || $0 >= classes }) {
      throw .invalidBatch(
        reason: "label \(labels[wrong]) at position \(wrong) is not in 0...\(classes - 1)")
    }
    self.images = images
    self.labels = labels
    classCount = classes
  }
}

/// Where a problem on images takes the minibatch of one loss evaluation from.
public enum MinibatchSource: Sendable {
  /// Drawn uniformly, with replacement, from a data set.
  ///
  /// With `images`, each optimizee sees only so many that follow each other in the data set, from a
  /// place drawn at its reset: training on a small set, whose loss falls further.
  case sampled(ImageDataset, batchSize: Int, images: Int? = nil)
  /// The same batch at every evaluation.
  case fixed(ImageBatch)

  /// Drawn from a data set of which each optimizee sees `images`; all for 0, and where there are no more.
  static func sampled(
    _ dataset: ImageDataset, batchSize: Int, atMost images: Int
  ) -> MinibatchSource {
    let isPart = images > 0 && images < dataset.count
    return .sampled(dataset, batchSize: batchSize, images: isPart ? images : nil)
  }

  /// The shape of one image without its batch axis: [height, width, channels] or [pixels].
  public var imageShape: Shape {
    switch self {
    case .sampled(let dataset, _, _): [dataset.height, dataset.width, dataset.channels]
    case .fixed(let batch): Shape(Array(batch.images.shape.dimensions.dropFirst()))
    }
  }

  /// The number of classes.
  public var classCount: Int {
    switch self {
    case .sampled(let dataset, _, _): dataset.classCount
    case .fixed(let batch): batch.classCount
    }
  }

  /// The data set that minibatches are drawn from, if there is one.
  public var datasets: [ImageDataset] {
    switch self {
    case .sampled(let dataset, _, _): [dataset]
    case .fixed: []
    }
  }

  /// What is drawn once an optimizee: `first_image`, where its images start, as a part of the data
  /// set in [0, 1); nothing when it sees all.
  public var constants: [VariableSpecification] {
    guard case .sampled(_, _, .some) = self else { return [] }
    return [VariableSpecification("first_image", [1], .uniform)]
  }

  /// The minibatch for one evaluation: images [B, image shape...] and labels.
  ///
  /// - Parameter constants: values of `constants`.
  public func draw(
    _ stream: inout RandomStream, constants: [Tensor] = []
  ) -> (images: Tensor, labels: [Int32]) {
    switch self {
    case .fixed(let batch):
      return (batch.images, batch.labels)
    case .sampled(let dataset, let batchSize, let images):
      let shape: Shape = [batchSize, dataset.height, dataset.width, dataset.channels]
      var pixels: Tensor?
      let labels = [Int32](unsafeUninitializedCapacity: batchSize) { labels, written in
        pixels = Tensor(uninitialized: shape) { target in
          dataset.draw(
            &stream, part: images, constants: constants,
            images: UnsafeMutableBufferPointer(start: target, count: shape.count),
            labels: UnsafeMutableBufferPointer(rebasing: labels[..<batchSize]))
        }
        written = batchSize
      }
      return (pixels ?? .zeros(shape), labels)
    }
  }
}

extension ImageDataset {
  /// Draws as many images as there is room for.
  ///
  /// - Parameter part: how many images the optimizee sees, from where its constant says; nil for all.
  func draw(
    _ stream: inout RandomStream, part: Int?, constants: [Tensor],
    images: UnsafeMutableBufferPointer<Float>, labels: UnsafeMutableBufferPointer<Int32>
  ) {
    let start = part == nil ? 0 : Int(Double(constants[0].elements[0]) * Double(count))
    let bound = part ?? count
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: labels.count) { indices in
      for position in labels.indices {
        let index = start + stream.nextInteger(below: bound)
        // Around the end of the set, for optimizees that see a part of it.
        indices.initializeElement(at: position, to: Int32(index < count ? index : index % count))
      }
      gather(UnsafeBufferPointer(indices), images: images, labels: labels)
    }
  }
}

extension MLP {
  /// The mean cross-entropy of a minibatch whose images are rows of pixels.
  func meanCrossEntropy(
    of source: MinibatchSource, parameters: [Variable], constants: [Tensor],
    minibatch: inout RandomStream
  ) -> Variable {
    let (images, labels) = source.draw(&minibatch, constants: constants)
    let rows = images.reshaped(
      to: Shape(rows: labels.count, columns: images.count / labels.count))
    return self(Variable(rows), parameters: parameters[...])
      .meanCrossEntropy(labels: labels)
  }
}
