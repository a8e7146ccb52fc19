// The catalog's problems on images: options, limits, and where minibatches come from.
internal import Datasets
internal import Layers
internal import Tensors

extension ProblemEntry {
  /// A perceptron on MNIST.
  static let mnist = ProblemEntry(
    "mnist", "a perceptron on images of digits: mean cross-entropy",
    options: [
      OptionSpecification("layers", default: "20", "sizes of the hidden layers, as 20,20"),
      OptionSpecification("activation", default: "sigmoid", "sigmoid or relu"),
      OptionSpecification("batch_size", default: "128", "images in a minibatch"),
      .images,
    ]
  ) { options, data in
    let layers = try options.sizes("layers")
    let activation = try options.choice("activation", of: Activation.self)
    let batchSize = try options.integer("batch_size", in: 1...1_000_000)
    let (source, dataset) = try data.source(options, batchSize: batchSize) { split, directory in
      try MNIST.load(split: split, directory: directory)
    }
    let sizes = [source.imageShape.count] + layers + [MNIST.classCount]
    try options.limit("layers", elements: zip(sizes, sizes.dropFirst()).map(*).reduce(0, +))
    let widest = sizes.max() ?? 1
    if dataset != nil { try options.limit("batch_size", elements: batchSize * widest) }
    return BuiltProblem(
      MNISTProblem(source: source, layers: layers, activation: activation), dataset: dataset)
  }

  /// A convolutional network on CIFAR-10, under one of its names.
  static func cifar(_ name: String, _ summary: String) -> ProblemEntry {
    ProblemEntry(
      name, summary,
      options: [
        OptionSpecification("conv_channels", default: "16,16,16", "filters of the convolutions"),
        OptionSpecification("linear_layers", default: "32", "sizes of the hidden linear layers"),
        OptionSpecification("batch_norm", default: "true", "normalize layers: true or false"),
        OptionSpecification("batch_size", default: "128", "images in a minibatch"),
        .images,
      ]
    ) { options, data in
      let channels = try options.sizes("conv_channels")
      let layers = try options.sizes("linear_layers")
      let isNormalized = try options.flag("batch_norm")
      let batchSize = try options.integer("batch_size", in: 1...1_000_000)
      let (source, dataset) = try data.source(options, batchSize: batchSize) { split, directory in
        try CIFAR10.load(split: split, directory: directory)
      }
      try checkSizes(
        options, image: source.imageShape.dimensions, channels: channels, layers: layers,
        given: data.fixedBatch?.labels.count, batchSize: batchSize)
      let problem = try CIFARProblem(
        source: source, convolutionChannels: channels, linearLayers: layers,
        isNormalized: isNormalized)
      return BuiltProblem(problem, dataset: dataset)
    }
  }

  /// Checks that neither parameters nor a minibatch's activations take more memory than a tensor
  /// may, before any of them is made.
  private static func checkSizes(
    _ options: ProblemOptions, image: [Int], channels: [Int], layers: [Int], given: Int?,
    batchSize: Int
  ) throws(ProblemError) {
    guard image.count == 3 else { return }  // The problem says what is wrong with it.
    var (height, width, depth) = (image[0], image[1], image[2])
    var widest = height * width * depth
    var filters = 0
    for count in channels {
      filters += ConvNet2D.kernelSize * ConvNet2D.kernelSize * depth * count
      widest = max(widest, height * width * count)
      (height, width, depth) = ((height + 1) / 2, (width + 1) / 2, count)
    }
    try options.limit("conv_channels", elements: max(filters, widest))
    let sizes = [height * width * depth] + layers + [CIFAR10.classCount]
    try options.limit("linear_layers", elements: zip(sizes, sizes.dropFirst()).map(*).reduce(0, +))
    widest = max(widest, sizes.max() ?? 1)
    if let given {
      try options.limit("conv_channels", elements: given * widest)
    } else {
      try options.limit("batch_size", elements: batchSize * widest)
    }
  }
}

extension ProblemData {
  /// The given minibatch, or minibatches of the data set that `load` reads.
  fileprivate func source(
    _ options: ProblemOptions, batchSize: Int, load: (DatasetSplit, String?) throws -> ImageDataset
  ) throws -> (source: MinibatchSource, dataset: ImageDataset?) {
    let images = try options.integer("images", in: 0...Int(Int32.max))
    if let fixedBatch { return (.fixed(fixedBatch), nil) }
    let dataset = try load(split, directory)
    let subset = images > 0 && images < dataset.count ? images : nil
    return (.sampled(dataset, batchSize: batchSize, images: subset), dataset)
  }
}

extension OptionSpecification {
  fileprivate static let images = OptionSpecification(
    "images", default: "0", "images that an optimizee sees, others for each; 0 for all")
}
