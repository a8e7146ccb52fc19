public import Settings

/// The paper's optimizer: one small LSTM with shared weights steps every scalar parameter.
///
/// Each coordinate is a row with a state of its own (Andrychowicz et al., "Learning to learn by
/// gradient descent by gradient descent", 2016, section 2.1).
public struct CoordinateWiseDeepLSTM: DeepLSTMOptimizer {
  /// `CoordinateWiseDeepLSTM`.
  public static let name = "CoordinateWiseDeepLSTM"
  /// The net, of width 1.
  public let net: DeepLSTM

  /// A net.
  public init(
    layers: [Int] = [20, 20], preprocess: Preprocessing = .identity, scale: Float = 1,
    initializers: WeightInitializers = .standard
  ) {
    net = DeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, width: 1, initializers: initializers)
  }

  /// A net of options that were checked.
  init(_ settings: DeepLSTMSettings) { net = settings.net(width: 1) }

  /// layers, scale, preprocess_name and preprocess_options.
  public var options: [String: JSONValue] { netOptions }
}
