// The problems on images from their options: limits, and where minibatches come from.
internal import Datasets
internal import Layers
internal import Settings
internal import Tensors

extension BuiltProblem {
  /// A perceptron on MNIST.
  ///
  /// - Throws: `SettingError` for sizes that take too much memory, `DatasetError` for missing or
  ///   malformed data.
  package static func mnist(_ options: MNISTOptions, _ data: ProblemData) throws -> BuiltProblem {
    let (source, dataset) = try data.source(options.images) { split, directory in
      try MNIST.load(split: split, directory: directory)
    }
    let sizes = [source.imageShape.count] + options.layers + [MNIST.classCount]
    try options.limit("layers", elements: zip(sizes, sizes.dropFirst()).map(*).reduce(0, +))
    if dataset != nil {
      try options.limit("batch_size", elements: options.images.batchSize * (sizes.max() ?? 1))
    }
    return BuiltProblem(
      MNISTProblem(source: source, layers: options.layers, activation: options.activation),
      dataset: dataset)
  }

  /// A convolutional network on CIFAR-10.
  ///
  /// - Throws: as `mnist`.
  package static func cifar(_ options: CIFAROptions, _ data: ProblemData) throws -> BuiltProblem {
    let (source, dataset) = try data.source(options.images) { split, directory in
      try CIFAR10.load(split: split, directory: directory)
    }
    try options.checkSizes(
      image: source.imageShape.dimensions, given: data.fixedBatch?.labels.count)
    let problem = try CIFARProblem(
      source: source, convolutionChannels: options.channels, linearLayers: options.layers,
      isNormalized: options.isNormalized)
    return BuiltProblem(problem, dataset: dataset)
  }
}

extension CIFAROptions {
  /// Checks that neither parameters nor a minibatch's activations take more memory than a tensor
  /// may, before any of them is made.
  fileprivate func checkSizes(image: [Int], given: Int?) throws(SettingError) {
    guard image.count == 3 else { return }  // The problem says what is wrong with it.
    var (height, width, depth) = (image[0], image[1], image[2])
    var widest = height * width * depth
    var filters = 0
    for count in channels {
      filters += ConvNet2D.kernelSize * ConvNet2D.kernelSize * depth * count
      widest = max(widest, height * width * count)
      (height, width, depth) = ((height + 1) / 2, (width + 1) / 2, count)
    }
    try limit("conv_channels", elements: max(filters, widest))
    let sizes = [height * width * depth] + layers + [CIFAR10.classCount]
    try limit("linear_layers", elements: zip(sizes, sizes.dropFirst()).map(*).reduce(0, +))
    widest = max(widest, sizes.max() ?? 1)
    if let given {
      try limit("conv_channels", elements: given * widest)
    } else {
      try limit("batch_size", elements: images.batchSize * widest)
    }
  }
}

extension ProblemData {
  /// The given minibatch, or minibatches of the data set that `load` reads.
  fileprivate func source(
    _ options: ImageOptions, load: (DatasetSplit, String?) throws -> ImageDataset
  ) throws -> (source: MinibatchSource, dataset: ImageDataset?) {
    if let fixedBatch { return (.fixed(fixedBatch), nil) }
    let dataset = try load(split, directory)
    return (
      .sampled(dataset, batchSize: options.batchSize, atMost: options.images), dataset
    )
  }
}

// MARK: - The options that given tensors decide

extension MNISTProblem {
  /// The options that given tensors decide.
  package static func options(ofShapes shape: (_ tensor: String) -> [Int]?) -> [String: String] {
    guard let layers = hiddenLayers(shape) else { return [:] }
    return ["layers": layers]
  }
}

extension CIFARProblem {
  /// The options that given tensors decide.
  package static func options(ofShapes shape: (_ tensor: String) -> [Int]?) -> [String: String] {
    var channels: [Int] = []
    while let w = shape("x0/conv_net_2d/conv_2d_\(channels.count)/w"), w.count == 4 {
      channels.append(w[3])
    }
    var options: [String: String] = [:]
    if !channels.isEmpty { options["conv_channels"] = channels.settingText }
    if let layers = hiddenLayers(shape) { options["linear_layers"] = layers }
    return options
  }
}

/// The sizes of a perceptron's hidden layers; nil when it has no weights at all.
private func hiddenLayers(_ shape: (String) -> [Int]?) -> String? {
  var sizes: [Int] = []
  while let w = shape("x0/mlp/linear_\(sizes.count)/w"), w.count == 2 { sizes.append(w[1]) }
  return sizes.isEmpty ? nil : Array(sizes.dropLast()).settingText
}
