package import Layers
package import Settings

/// What all problems on images have to choose.
package struct ImageOptions: Configurable {
  /// Images in a minibatch.
  package var batchSize = 128
  /// Images that an optimizee sees, others for each; 0 for all.
  package var images = 0

  /// The reference program's.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<ImageOptions>] = [
    Setting("batch_size", \.batchSize, in: .from(1, to: 1_000_000), "images in a minibatch"),
    Setting(
      "images", \.images, in: .from(0, to: Double(Int32.max)),
      "images that an optimizee sees, others for each; 0 for all"),
  ]
}

/// The options of the problem `mnist`.
package struct MNISTOptions: Configurable {
  /// Sizes of the hidden layers.
  package var layers = [20]
  /// What stands between layers.
  package var activation = Activation.sigmoid
  /// Of the images.
  package var images = ImageOptions()

  /// The reference program's.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<MNISTOptions>] =
    [
      Setting(
        "layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden layers, as 20,20"),
      Setting("activation", \.activation, "between layers"),
    ] + ImageOptions.settings.map { $0.within(\.images) }
}

/// The options of the problems `cifar` and `cifar-multi`.
package struct CIFAROptions: Configurable {
  /// Filters of the convolutions.
  package var channels = [16, 16, 16]
  /// Sizes of the hidden linear layers.
  package var layers = [32]
  /// Whether layers are normalized.
  package var isNormalized = true
  /// Of the images.
  package var images = ImageOptions()

  /// The reference program's.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<CIFAROptions>] =
    [
      Setting(
        "conv_channels", \.channels, in: .from(1, to: 65_536), "filters of the convolutions"),
      Setting(
        "linear_layers", \.layers, in: .from(1, to: 65_536), "sizes of the hidden linear layers"),
      Setting("batch_norm", \.isNormalized, "normalize layers"),
    ] + ImageOptions.settings.map { $0.within(\.images) }
}
