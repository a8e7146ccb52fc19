extension Recipe {
  /// The four small perceptrons of Celo2's published recipe, in units up to 3 times theirs.
  ///
  /// The published one scales by up to 1000, where a step of a fixed size can do nothing, or nothing
  /// good, for most of a training; 3 teaches to do without a tuned learning rate.
  private static func smallImages(_ net: String) -> [(String, String)] {
    [
      ("problem", "small-images"), ("problem_option", "scale=3"), ("net_option", "net=\(net)"),
      ("net_option", "layers=8,8"),
    ]
  }

  /// Backpropagation through short unrolls finds in minutes what evolution strategies, at a signal to
  /// noise of a hundredth, need hours for; these then take off its bias to early losses, on
  /// trajectories of up to 2,000 steps.
  private static func general(_ name: String, _ net: String) -> Recipe {
    let shared = smallImages(net)
    return Recipe(
      name, "\(net) for any model: on four small perceptrons, half an hour of a core", starts: 1,
      phases: [
        Phase(
          "search", shared,
          [
            "num_steps": "500", "unroll_length": "25", "optimizees": "4", "num_epochs": "25",
            "log_period": "1", "evaluation_period": "25", "evaluation_epochs": "5",
            "learning_rate": "0.002", "meta_loss": "log", "clip_norm": "1",
          ]),
        Phase(
          "train", shared,
          [
            "estimator": "nres", "num_steps": "100..2000", "unroll_length": "50",
            "optimizees": "16", "num_meta_steps": "12000", "log_period": "100",
            "evaluation_period": "1000", "evaluation_epochs": "5", "learning_rate": "0.0003",
            "meta_optimizer": "adamw", "schedule": "cosine", "warmup": "100", "clip_value": "3",
            "loss_clip": "3.454",
          ]),
      ])
  }

  /// Those for optimizers that take on any model.
  static let forAnyModel: [Recipe] = [general("celo2", "Celo2"), general("celo2base", "Celo2Base")]
}
