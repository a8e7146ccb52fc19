public import Settings
public import Tensors

/// An LSTM that reads and steps the rows of a matrix [rows, output_size] as wholes.
public struct StandardDeepLSTM: DeepLSTMOptimizer {
  /// `StandardDeepLSTM`.
  public static let name = "StandardDeepLSTM"
  /// The net, of width `output_size`.
  public let net: DeepLSTM

  /// A net for rows of `outputSize` parameters.
  public init(
    outputSize: Int, layers: [Int] = [20, 20], preprocess: Preprocessing = .identity,
    scale: Float = 1, initializers: WeightInitializers = .standard
  ) {
    net = DeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, width: outputSize,
      initializers: initializers)
  }

  /// A net of options that were checked.
  init(_ settings: StandardDeepLSTMSettings) {
    net = settings.net.net(width: settings.outputSize ?? 1)
  }

  /// output_size, layers, scale, preprocess_name and preprocess_options.
  public var options: [String: JSONValue] {
    var options = netOptions
    options["output_size"] = .number(Double(net.width))
    return options
  }

  /// The last axis must be `output_size`.
  public func requirement(unmetBy shape: Shape) -> String? {
    shape.rank >= 1 && shape[-1] == net.width ? nil : "a last axis of \(net.width)"
  }
}
