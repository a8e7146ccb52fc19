public import Settings

/// A class of optimizers that can be made by name: how saved optimizers and options become rules.
///
///     OptimizerEntry(name: NormalizedDescent.name, summary: "descent along the unit gradient") {
///       _ throws(OptimizerError) in NormalizedDescent()
///     }
public struct OptimizerEntry: Sendable {
  /// The class's name.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The names of its options.
  public let options: [String]
  private let build: @Sendable (NetOptions) throws(OptimizerError) -> any LearnedOptimizer

  /// A class whose rules `build` makes from options.
  public init(
    name: String, summary: String, options: [String] = [],
    build: @escaping @Sendable (NetOptions) throws(OptimizerError) -> any LearnedOptimizer
  ) {
    self.name = name
    self.summary = summary
    self.options = options
    self.build = build
  }

  /// The rule with the given options, others at their defaults.
  ///
  /// - Throws: `OptimizerError.unknownOption`, `.invalidOption`.
  public func make(options given: [String: JSONValue]) throws(OptimizerError)
    -> any LearnedOptimizer
  {
    try build(NetOptions(net: name, given: given, valid: options))
  }
}

extension OptimizerEntry {
  private static let netOptions = [
    "layers", "preprocess_name", "preprocess_options", "scale", "initializer", "input_gain",
  ]

  /// The classes that come with the package, in the order in which they are listed.
  public static let standard: [OptimizerEntry] =
    [
      OptimizerEntry(
        name: CoordinateWiseDeepLSTM.name, summary: "an LSTM shared by all coordinates",
        options: netOptions
      ) { options throws(OptimizerError) in
        CoordinateWiseDeepLSTM(
          layers: try options.layers(), preprocess: try options.preprocessing(),
          scale: try options.number("scale", default: 1),
          initializers: try options.initializers(width: 1))
      },
      OptimizerEntry(
        name: StandardDeepLSTM.name, summary: "an LSTM on the rows of a matrix",
        options: netOptions + ["output_size"]
      ) { options throws(OptimizerError) in
        StandardDeepLSTM(
          outputSize: try options.integer("output_size", in: 1...4096),
          layers: try options.layers(), preprocess: try options.preprocessing(),
          scale: try options.number("scale", default: 1),
          initializers: try options.initializers(
            width: try options.integer("output_size", in: 1...4096)))
      },
      OptimizerEntry(
        name: KernelDeepLSTM.name, summary: "an LSTM on the kernels of convolution filters",
        options: netOptions + ["kernel_shape"]
      ) { options throws(OptimizerError) in
        KernelDeepLSTM(
          kernelShape: try options.kernelShape(), layers: try options.layers(),
          preprocess: try options.preprocessing(), scale: try options.number("scale", default: 1),
          initializers: try options.initializers(width: try options.kernelShape().reduce(1, *)))
      },
      OptimizerEntry(
        name: RNNprop.name, summary: "an LSTM on gradients in units of their own history",
        options: ["layers", "scale"]
      ) { options throws(OptimizerError) in
        let layers = try options.layers()
        guard !layers.isEmpty else {
          throw .invalidOption(
            net: RNNprop.name, option: "layers", value: "none", expected: "one layer at least")
        }
        return RNNprop(layers: layers, scale: try options.number("scale", default: 0.1))
      },
      OptimizerEntry(
        name: Celo2.name, summary: "a perceptron with orthogonal directions; any model",
        options: ["learning_rate", "weight_decay", "adam_multiplier", "layers"]
      ) { options throws(OptimizerError) in
        Celo2(
          learningRate: try options.number("learning_rate", default: 0.001),
          weightDecay: try options.number("weight_decay", default: 0),
          adamMultiplier: try options.number("adam_multiplier", default: 20),
          hidden: try options.hiddenSizes(default: [8, 8]))
      },
      OptimizerEntry(
        name: Celo2Base.name, summary: "Celo2's perceptron for all tensors, not orthogonal",
        options: ["learning_rate", "weight_decay", "layers"]
      ) { options throws(OptimizerError) in
        Celo2Base(
          learningRate: try options.number("learning_rate", default: 0.001),
          weightDecay: try options.number("weight_decay", default: 0),
          hidden: try options.hiddenSizes(default: [8, 8]))
      },
      OptimizerEntry(
        name: AdafacMLPLOpt.name, summary: "a perceptron with learned decays (small_fc)",
        options: ["layers", "step_mult", "exp_mult"]
      ) { options throws(OptimizerError) in
        AdafacMLPLOpt(
          hidden: try options.hiddenSizes(default: [4, 4]),
          stepMultiplier: try options.number("step_mult", default: 0.001),
          expMultiplier: try options.number("exp_mult", default: 0.001))
      },
      OptimizerEntry(
        name: MLPLOpt.name, summary: "a perceptron on gradient, parameter, momenta and time",
        options: ["layers", "step_mult", "exp_mult"]
      ) { options throws(OptimizerError) in
        MLPLOpt(
          hidden: try options.hiddenSizes(default: [32, 32]),
          stepMultiplier: try options.number("step_mult", default: 0.001),
          expMultiplier: try options.number("exp_mult", default: 0.001))
      },
      OptimizerEntry(
        name: Celo.name, summary: "a perceptron, and an LSTM that sets each tensor's step size",
        options: ["layers", "step_mult", "exp_mult"]
      ) { options throws(OptimizerError) in
        Celo(
          hidden: try options.hiddenSizes(default: [4, 4]),
          stepMultiplier: try options.number("step_mult", default: 0.001),
          expMultiplier: try options.number("exp_mult", default: 0.001))
      },
      OptimizerEntry(name: Sgd.name, summary: "gradient descent", options: ["learning_rate"]) {
        options throws(OptimizerError) in
        Sgd(learningRate: try options.number("learning_rate", default: 0.001))
      },
      OptimizerEntry(
        name: Adam.name, summary: "Adam",
        options: ["learning_rate", "beta1", "beta2", "epsilon"]
      ) { options throws(OptimizerError) in
        Adam(
          learningRate: try options.number("learning_rate", default: 0.001),
          beta1: try options.precise("beta1", default: 0.9),
          beta2: try options.precise("beta2", default: 0.999),
          epsilon: try options.number("epsilon", default: 1e-8))
      },
      OptimizerEntry(
        name: Momentum.name, summary: "gradient descent with momentum",
        options: ["learning_rate", "momentum"]
      ) { options throws(OptimizerError) in
        Momentum(
          learningRate: try options.number("learning_rate", default: 0.001),
          momentum: try options.number("momentum", default: 0.9))
      },
      OptimizerEntry(
        name: NAG.name, summary: "Nesterov's accelerated gradient",
        options: ["learning_rate", "momentum"]
      ) { options throws(OptimizerError) in
        NAG(
          learningRate: try options.number("learning_rate", default: 0.001),
          momentum: try options.number("momentum", default: 0.9))
      },
      OptimizerEntry(
        name: RMSprop.name, summary: "RMSprop", options: ["learning_rate", "decay", "epsilon"]
      ) { options throws(OptimizerError) in
        RMSprop(
          learningRate: try options.number("learning_rate", default: 0.001),
          decay: try options.number("decay", default: 0.9),
          epsilon: try options.number("epsilon", default: 1e-8))
      },
    ] + descendants
}

extension Collection<OptimizerEntry> {
  /// The class of this name.
  ///
  /// - Throws: `OptimizerError.unknownNet`.
  public func entry(named name: String) throws(OptimizerError) -> OptimizerEntry {
    guard let entry = first(where: { $0.name == name }) else {
      throw .unknownNet(name, valid: map(\.name))
    }
    return entry
  }
}
