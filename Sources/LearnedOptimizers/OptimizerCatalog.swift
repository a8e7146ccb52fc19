internal import Layers
public import Tensors

/// A class of optimizers that can be made by name: how saved optimizers and options become nets.
public struct OptimizerEntry: Sendable {
  /// The class's name.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The names of its options.
  public let options: [String]
  let build:
    @Sendable (NetOptions, inout RandomStream) throws(OptimizerError) -> any LearnedOptimizer

  /// The optimizer with the given options (others at their defaults) and weights drawn from
  /// `stream`.
  ///
  /// - Throws: `OptimizerError.unknownOption`, `.invalidOption`.
  public func make(options given: [String: JSONValue], stream: inout RandomStream)
    throws(OptimizerError) -> any LearnedOptimizer
  {
    try build(NetOptions(net: name, given: given, valid: options), &stream)
  }
}

/// All optimizer classes, by name.
public enum OptimizerCatalog {
  private static let netOptions = [
    "layers", "preprocess_name", "preprocess_options", "scale", "initializer", "input_gain",
  ]

  /// The classes, in the order in which they are listed.
  public static let all: [OptimizerEntry] = [
    OptimizerEntry(
      name: CoordinateWiseDeepLSTM.name, summary: "an LSTM shared by all coordinates",
      options: netOptions
    ) { (options, stream) throws(OptimizerError) in
      CoordinateWiseDeepLSTM(
        layers: try options.layers(), preprocess: try options.preprocessing(),
        scale: try options.number("scale", default: 1),
        initializers: try options.initializers(width: 1), stream: &stream)
    },
    OptimizerEntry(
      name: StandardDeepLSTM.name, summary: "an LSTM on the rows of a matrix",
      options: netOptions + ["output_size"]
    ) { (options, stream) throws(OptimizerError) in
      StandardDeepLSTM(
        outputSize: try options.integer("output_size", in: 1...4096),
        layers: try options.layers(), preprocess: try options.preprocessing(),
        scale: try options.number("scale", default: 1),
        initializers: try options.initializers(
          width: try options.integer("output_size", in: 1...4096)), stream: &stream)
    },
    OptimizerEntry(
      name: KernelDeepLSTM.name, summary: "an LSTM on the kernels of convolution filters",
      options: netOptions + ["kernel_shape"]
    ) { (options, stream) throws(OptimizerError) in
      KernelDeepLSTM(
        kernelShape: try options.kernelShape(), layers: try options.layers(),
        preprocess: try options.preprocessing(), scale: try options.number("scale", default: 1),
        initializers: try options.initializers(width: try options.kernelShape().reduce(1, *)),
        stream: &stream)
    },
    OptimizerEntry(name: Sgd.name, summary: "gradient descent", options: ["learning_rate"]) {
      (options, _) throws(OptimizerError) in
      Sgd(learningRate: try options.number("learning_rate", default: 0.001))
    },
    OptimizerEntry(
      name: Adam.name, summary: "Adam",
      options: ["learning_rate", "beta1", "beta2", "epsilon"]
    ) { (options, _) throws(OptimizerError) in
      Adam(
        learningRate: try options.number("learning_rate", default: 0.001),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8))
    },
    OptimizerEntry(
      name: Momentum.name, summary: "gradient descent with momentum",
      options: ["learning_rate", "momentum"]
    ) { (options, _) throws(OptimizerError) in
      Momentum(
        learningRate: try options.number("learning_rate", default: 0.001),
        momentum: try options.number("momentum", default: 0.9))
    },
    OptimizerEntry(
      name: NAG.name, summary: "Nesterov's accelerated gradient",
      options: ["learning_rate", "momentum"]
    ) { (options, _) throws(OptimizerError) in
      NAG(
        learningRate: try options.number("learning_rate", default: 0.001),
        momentum: try options.number("momentum", default: 0.9))
    },
    OptimizerEntry(
      name: RMSprop.name, summary: "RMSprop", options: ["learning_rate", "decay", "epsilon"]
    ) { (options, _) throws(OptimizerError) in
      RMSprop(
        learningRate: try options.number("learning_rate", default: 0.001),
        decay: try options.number("decay", default: 0.9),
        epsilon: try options.number("epsilon", default: 1e-8))
    },
  ]

  /// The class of this name.
  ///
  /// - Throws: `OptimizerError.unknownNet`.
  public static func entry(named name: String) throws(OptimizerError) -> OptimizerEntry {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw .unknownNet(name, valid: all.map(\.name))
    }
    return entry
  }
}
