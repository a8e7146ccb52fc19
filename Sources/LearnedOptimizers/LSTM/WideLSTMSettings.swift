public import Settings

/// The options of `StandardDeepLSTM`.
public struct StandardDeepLSTMSettings: Configurable, Equatable {
  /// Those that all LSTMs share.
  public var net = DeepLSTMSettings()
  /// The length of the rows.
  public var outputSize: Int?

  /// Of rows of an unknown length, which must be given.
  public init() {}

  /// The shared ones and output_size.
  public static let settings: [Setting<StandardDeepLSTMSettings>] =
    DeepLSTMSettings.settings.map { $0.within(\.net) } + [
      Setting(
        "output_size", \.outputSize, in: .from(1, to: 4096), default: "must be given",
        "the length of the rows that are stepped as wholes")
    ]

  /// Checks that there is a length, and the shared ones.
  public func check() throws(SettingError) {
    guard let outputSize else {
      throw refuse("output_size", expected: "a whole number from 1 to 4096")
    }
    try net.check(width: outputSize)
  }
}

/// The options of `KernelDeepLSTM`.
public struct KernelDeepLSTMSettings: Configurable, Equatable {
  /// Those that all LSTMs share.
  public var net = DeepLSTMSettings()
  /// Height and width of the kernels.
  public var kernelShape: [Int] = []

  /// Of kernels of an unknown shape, which must be given.
  public init() {}

  /// The shared ones and kernel_shape.
  public static let settings: [Setting<KernelDeepLSTMSettings>] =
    DeepLSTMSettings.settings.map { $0.within(\.net) } + [
      Setting(
        "kernel_shape", \.kernelShape, in: .from(1, to: 32), count: 2...2,
        default: "must be given", "height and width of the kernels that are stepped as wholes")
    ]

  /// Checks that there is a shape, and the shared ones.
  public func check() throws(SettingError) {
    guard kernelShape.count == 2 else {
      throw refuse("kernel_shape", expected: "two sizes from 1 to 32, as 5,5")
    }
    try net.check(width: kernelShape.reduce(1, *))
  }
}

/// The options of `RNNprop`.
public struct RNNpropSettings: Configurable, Equatable {
  /// The units of each layer.
  public var layers = [20, 20]
  /// The largest update.
  public var scale: Float = 0.1

  /// Those of the paper.
  public init() {}

  /// layers and scale.
  public static let settings: [Setting<RNNpropSettings>] = [
    Setting("layers", \.layers, in: .from(1, to: 1024), count: 1...8, "the units of each layer"),
    Setting("scale", \.scale, "the largest update"),
  ]
}
