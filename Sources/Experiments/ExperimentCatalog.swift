public import LearnedOptimizers
internal import Tensors

/// A net as a catalog or a user describes it, before its weights are drawn.
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

  /// The net on its parameters, with weights drawn for its place among the nets of an experiment.
  ///
  /// - Throws: `OptimizerError` for wrong options.
  public func assignment(seed: UInt64, position: Int) throws(OptimizerError) -> NetAssignment {
    NetAssignment(
      key: key, optimizer: try make(seed: seed, position: position), parameters: parameters)
  }

  /// The net with weights drawn for its place among the nets of an experiment.
  ///
  /// - Throws: `OptimizerError` for wrong options.
  public func make(seed: UInt64, position: Int) throws(OptimizerError) -> any LearnedOptimizer {
    var stream = RandomStream(seed: seed, purpose: .weights, instance: position)
    return try OptimizerCatalog.entry(named: net).make(options: options, stream: &stream)
  }
}

/// The nets that each problem is trained with unless told otherwise.
public enum ExperimentCatalog {
  /// LogAndSign with k = 5 and scale 0.01: the reference's net for neural optimizees.
  static let neuralOptions: [String: JSONValue] = [
    "layers": .array([.number(20), .number(20)]),
    "preprocess_name": .string("LogAndSign"),
    "preprocess_options": .object(["k": .number(5)]), "scale": .number(0.01),
  ]

  /// No layers, zero weights: the reference's net for scalars.
  static let linearOptions: [String: JSONValue] = [
    "layers": .array([]), "initializer": .string("zeros"),
  ]

  /// The default nets of a problem.
  public static func nets(forProblem name: String) -> [NetDescription] {
    let lstm = CoordinateWiseDeepLSTM.name
    switch name {
    case "simple":
      return [NetDescription(key: "cw", net: lstm, options: linearOptions)]
    case "simple-multi":
      return [
        NetDescription(key: "cw", net: lstm, options: linearOptions, parameters: ["x_0"]),
        NetDescription(
          key: "adam", net: Adam.name, options: ["learning_rate": .number(0.1)],
          parameters: ["x_1"]),
      ]
    case "quadratic":
      return [
        NetDescription(
          key: "cw", net: lstm, options: ["layers": .array([.number(20), .number(20)])])
      ]
    case "cifar-multi":
      // Patterns, because the problem's options decide how many parameters there are.
      return [
        NetDescription(
          key: "conv", net: lstm, options: neuralOptions,
          parameters: .matching("conv_net_2d/conv_2d_*/w")),
        NetDescription(key: "fc", net: lstm, options: neuralOptions, parameters: .others),
      ]
    default:
      return [NetDescription(key: "cw", net: lstm, options: neuralOptions)]
    }
  }
}
