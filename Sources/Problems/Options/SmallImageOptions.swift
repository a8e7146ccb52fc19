package import Datasets
package import Layers
package import Settings
internal import Tensors

/// Which images a problem that comes with the package reads, at which size.
package struct ImageChoice: Configurable {
  /// The set.
  package var set = ImageSet.mnist
  /// Height and width; 0 for those of the set.
  package var size = 8
  /// Whether colours are averaged.
  package var isGrey = true
  /// Images in a minibatch, and those that an optimizee sees.
  package var minibatches: ImageOptions = {
    var options = ImageOptions()
    options.batchSize = 64
    return options
  }()

  /// MNIST at 8 x 8.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<ImageChoice>] =
    [
      Setting("set", \.set, "the images"),
      Setting("size", \.size, in: .from(0, to: 512), "height and width; 0 for those of the set"),
      Setting("grey", \.isGrey, "average colours"),
    ]
    + ImageOptions.settings.map { $0.within(\.minibatches) }
}

extension ProblemData {
  /// The given minibatch, or minibatches of the images chosen.
  func source(_ choice: ImageChoice) throws -> MinibatchSource {
    if let fixedBatch { return .fixed(fixedBatch) }
    let stored = try choice.set.load(split: split, directory: directory)
    let dataset = stored.resized(
      height: choice.size == 0 ? stored.height : choice.size,
      width: choice.size == 0 ? stored.width : choice.size, isGrey: choice.isGrey)
    return .sampled(
      dataset, batchSize: choice.minibatches.batchSize, atMost: choice.minibatches.images)
  }
}

/// The options of the problem `perceptron`.
package struct PerceptronOptions: Configurable {
  /// Sizes of the hidden layers.
  package var layers = [32]
  /// What stands between layers.
  package var activation = Activation.relu
  /// How weights start.
  package var initialization = Initialization.scaledByInputs
  /// The images.
  package var images = ImageChoice()

  /// 64-32-10 with ReLU on MNIST at 8 x 8.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<PerceptronOptions>] =
    [
      Setting(
        "layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden layers, as 32,32"),
      Setting("activation", \.activation, "between layers"),
      Setting("initialization", \.initialization, "how weights start"),
    ] + ImageChoice.settings.map { $0.within(\.images) }
}

/// The options of the problem `softmax-regression`.
package struct SoftmaxRegressionOptions: Configurable {
  /// The images.
  package var images = ImageChoice()

  /// MNIST at 8 x 8.
  package init() {}

  /// What can be chosen.
  package static let settings = ImageChoice.settings.map {
    $0.within(\SoftmaxRegressionOptions.images)
  }
}

/// The options of the problem `autoencoder`.
package struct AutoencoderOptions: Configurable {
  /// Sizes of the hidden layers.
  package var layers = [32, 8, 32]
  /// What stands between layers.
  package var activation = Activation.relu
  /// The images.
  package var images = ImageChoice()

  /// 64-32-8-32-64 with ReLU on MNIST at 8 x 8.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<AutoencoderOptions>] =
    [
      Setting(
        "layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden layers, as 32,8,32"),
      Setting("activation", \.activation, "between layers"),
    ] + ImageChoice.settings.map { $0.within(\.images) }
}

/// The options of the problem `conv-net`.
package struct ConvolutionalOptions: Configurable {
  /// Filters of the convolutions.
  package var channels = [8, 16]
  /// The stride of all convolutions but the first, whose is 2.
  package var stride = 2
  /// The images.
  package var images: ImageChoice = {
    var choice = ImageChoice()
    choice.size = 14
    return choice
  }()

  /// Two layers on MNIST at 14 x 14.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<ConvolutionalOptions>] =
    [
      Setting("channels", \.channels, in: .from(1, to: 4096), "filters of the convolutions"),
      Setting("stride", \.stride, in: .from(1, to: 16), "of convolutions after the first"),
    ] + ImageChoice.settings.map { $0.within(\.images) }
}

// MARK: - Problems from options

extension BuiltProblem {
  /// A perceptron on images of any size.
  ///
  /// - Throws: `SettingError` for sizes that take too much memory, `DatasetError` for missing or
  ///   malformed data; so do those below.
  package static func perceptron(
    _ options: PerceptronOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let source = try data.source(options.images)
    try options.checkLayers(options.layers + [source.classCount], source, options.images)
    return BuiltProblem(
      family: ImagePerceptron(
        source: source, layers: options.layers, activation: options.activation,
        initialization: options.initialization))
  }

  /// A linear classifier of images.
  package static func softmaxRegression(
    _ options: SoftmaxRegressionOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let source = try data.source(options.images)
    return BuiltProblem(family: ImagePerceptron(source: source, layers: []))
  }

  /// An autoencoder of images.
  package static func autoencoder(
    _ options: AutoencoderOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let source = try data.source(options.images)
    try options.checkLayers(
      options.layers + [source.imageShape.count], source, options.images)
    return BuiltProblem(
      family: Autoencoder(
        source: source, layers: options.layers, activation: options.activation))
  }

  /// Strided convolutions on images.
  package static func convolutional(
    _ options: ConvolutionalOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let source = try data.source(options.images)
    let image = source.imageShape
    let widths = [image.rank == 3 ? image[2] : 1] + options.channels
    try options.limit(
      "channels", elements: zip(widths, widths.dropFirst()).map { 9 * $0 * $1 }.reduce(0, +))
    try options.limit(
      "batch_size",
      elements: options.images.minibatches.batchSize * image.count * (widths.max() ?? 1))
    return BuiltProblem(
      family: try ConvolutionalClassifier(
        source: source, channels: options.channels, stride: options.stride))
  }
}

extension Configurable {
  /// Checks that neither a perceptron nor a minibatch in it takes more memory than a tensor may.
  fileprivate func checkLayers(
    _ layers: [Int], _ source: MinibatchSource, _ choice: ImageChoice
  ) throws(SettingError) {
    let sizes = [source.imageShape.count] + layers
    try limit("layers", elements: zip(sizes, sizes.dropFirst()).map(*).reduce(0, +))
    try limit(
      "batch_size", elements: choice.minibatches.batchSize * (sizes.max() ?? 1))
  }
}
