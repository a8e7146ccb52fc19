public import LearnedOptimizers
public import Settings
public import Unrolling

/// A net as a catalog or a user describes it, before its weights are drawn.
///
/// ```swift
/// NetDescription(
///   key: "cw", net: CoordinateWiseDeepLSTM.name, options: ["layers": [32].settingJSON])
/// ```
public struct NetDescription: Sendable {
  /// The key: the name of the net's file.
  public let key: String
  /// The class.
  public var net: String
  /// The class's options.
  public var options: [String: JSONValue]
  /// The parameters it steps.
  public let parameters: ParameterSelection

  /// A net of the given class and options.
  public init(
    key: String, net: String, options: [String: JSONValue], parameters: ParameterSelection = .all
  ) {
    self.key = key
    self.net = net
    self.options = options
    self.parameters = parameters
  }

  /// The net on its parameters.
  ///
  /// - Parameter entries: the classes to choose from.
  /// - Throws: `OptimizerError` for wrong options.
  public func assignment(from entries: [OptimizerEntry]) throws(OptimizerError) -> NetAssignment {
    NetAssignment(
      key: key, optimizer: try entries.entry(named: net).make(options: options),
      parameters: parameters)
  }
}

extension NetDescription {
  /// An LSTM with LogAndSign, k = 5, and scale 0.01: the reference's net for neural optimizees.
  public static let lstm = lstm(key: "cw")

  /// An LSTM that takes gradients as they are: the reference's net for quadratics.
  public static let plainLSTM = NetDescription(
    key: "cw", net: CoordinateWiseDeepLSTM.name, options: ["layers": [20, 20].settingJSON])

  /// No layers, zero weights: the reference's net for scalars.
  public static let linear = linear(on: .all)

  /// The net `lstm` under another key and on some parameters.
  public static func lstm(
    key: String, on parameters: ParameterSelection = .all
  ) -> NetDescription {
    NetDescription(
      key: key, net: CoordinateWiseDeepLSTM.name,
      options: [
        "layers": [20, 20].settingJSON, "preprocess_name": .string("LogAndSign"),
        "k": .number(5), "scale": .number(0.01),
      ], parameters: parameters)
  }

  /// The net `linear` on some parameters.
  public static func linear(on parameters: ParameterSelection) -> NetDescription {
    NetDescription(
      key: "cw", net: CoordinateWiseDeepLSTM.name,
      options: ["layers": .array([]), "initializer": .string("zeros")], parameters: parameters)
  }
}
