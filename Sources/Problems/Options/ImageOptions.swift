public import Layers
public import Settings

/// What all problems on images have to choose.
public struct ImageOptions: Configurable {
  /// Images in a minibatch.
  public var batchSize = 128
  /// Images that an optimizee sees, others for each; 0 for all.
  public var images = 0

  /// The reference program's.
  public init() {}

  /// What can be chosen.
  public static let settings: [Setting<ImageOptions>] = [
    Setting("batch_size", \.batchSize, in: .from(1, to: 1_000_000), "images in a minibatch"),
    Setting(
      "images", \.images, in: .from(0, to: Double(Int32.max)),
      "images that an optimizee sees, others for each; 0 for all"),
  ]
}

/// The options of the problem `mnist`.
public struct MNISTOptions: Configurable {
  /// Sizes of the hidden layers.
  public var layers = [20]
  /// What stands between layers.
  public var activation = Activation.sigmoid
  /// Of the images.
  public var images = ImageOptions()

  /// The reference program's.
  public init() {}

  /// What can be chosen.
  public static let settings: [Setting<MNISTOptions>] =
    [
      Setting(
        "layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden layers, as 20,20"),
      Setting("activation", \.activation, "between layers"),
    ] + ImageOptions.settings.map { $0.within(\.images) }
}

/// The options of the problems `cifar` and `cifar-multi`.
public struct CIFAROptions: Configurable {
  /// Filters of the convolutions.
  public var channels = [16, 16, 16]
  /// Sizes of the hidden linear layers.
  public var layers = [32]
  /// Whether layers are normalized.
  public var isNormalized = true
  /// Of the images.
  public var images = ImageOptions()

  /// The reference program's.
  public init() {}

  /// What can be chosen.
  public static let settings: [Setting<CIFAROptions>] =
    [
      Setting(
        "conv_channels", \.channels, in: .from(1, to: 65_536), "filters of the convolutions"),
      Setting(
        "linear_layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden linear layers"),
      Setting("batch_norm", \.isNormalized, "normalize layers"),
    ] + ImageOptions.settings.map { $0.within(\.images) }
}
