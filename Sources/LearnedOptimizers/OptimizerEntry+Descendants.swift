extension OptimizerEntry {
  private static let adamOptions = ["learning_rate", "beta1", "beta2", "epsilon"]

  /// Rules that came after Adam, as optax has them.
  static let descendants: [OptimizerEntry] = [
    OptimizerEntry(
      name: AdamW.name, summary: "Adam with decoupled weight decay",
      options: adamOptions + ["weight_decay"]
    ) { options throws(OptimizerError) in
      AdamW(
        learningRate: try options.number("learning_rate", default: 0.001),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8),
        weightDecay: try options.number("weight_decay", default: 1e-4))
    },
    OptimizerEntry(
      name: NAdamW.name, summary: "AdamW with Nesterov's momentum",
      options: adamOptions + ["weight_decay"]
    ) { options throws(OptimizerError) in
      NAdamW(
        learningRate: try options.number("learning_rate", default: 0.001),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8),
        weightDecay: try options.number("weight_decay", default: 1e-4))
    },
    OptimizerEntry(name: RAdam.name, summary: "rectified Adam", options: adamOptions) {
      options throws(OptimizerError) in
      RAdam(
        learningRate: try options.number("learning_rate", default: 0.001),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8))
    },
    OptimizerEntry(
      name: Lion.name, summary: "the sign of a momentum",
      options: ["learning_rate", "beta1", "beta2", "weight_decay"]
    ) { options throws(OptimizerError) in
      Lion(
        learningRate: try options.number("learning_rate", default: 0.0001),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.99),
        weightDecay: try options.number("weight_decay", default: 1e-3))
    },
    OptimizerEntry(
      name: Muon.name, summary: "orthogonal momenta for matrices, Adam for all else",
      options: adamOptions + ["momentum", "weight_decay"]
    ) { options throws(OptimizerError) in
      Muon(
        learningRate: try options.number("learning_rate", default: 0.001),
        momentum: try options.precise("momentum", default: 0.95),
        beta1: try options.precise("beta1", default: 0.9),
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8),
        weightDecay: try options.number("weight_decay", default: 0))
    },
    OptimizerEntry(
      name: ScheduleFreeAdamW.name, summary: "AdamW with an average in place of a schedule",
      options: adamOptions + ["weight_decay"]
    ) { options throws(OptimizerError) in
      let beta1 = try options.precise("beta1", default: 0.9)
      guard beta1 > 0 else {
        throw .invalidOption(
          net: ScheduleFreeAdamW.name, option: "beta1", value: "\(beta1)",
          expected: "a number above 0")
      }
      return ScheduleFreeAdamW(
        learningRate: try options.number("learning_rate", default: 0.0025), beta1: beta1,
        beta2: try options.precise("beta2", default: 0.999),
        epsilon: try options.number("epsilon", default: 1e-8),
        weightDecay: try options.number("weight_decay", default: 0))
    },
  ]
}
