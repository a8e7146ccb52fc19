extension Recipe {
  /// Perceptrons, a convolutional net, an autoencoder and a recurrent net, as small as they teach something.
  ///
  /// The published recipe has the four perceptrons of `small-images` alone, in units up to 1000 times
  /// theirs, where a step of a fixed size can do nothing, or nothing good, for most of a training; 3
  /// teaches to do without a tuned learning rate.
  private static let mixture: [(String, String)] = [
    ("problem", "small-images"), ("problem", "perceptrons"), ("problem", "conv-net"),
    ("problem", "autoencoder"), ("problem", "char-lstm"),
    ("problem_option", "small-images.scale=3"),
    ("problem_option", "perceptrons.reparametrize=global"),
    ("problem_option", "perceptrons.scale=3"), ("problem_option", "perceptrons.widths=12,96"),
    ("problem_option", "perceptrons.depths=0,3"),
    ("problem_option", "perceptrons.activations=relu,sigmoid,silu,elu"),
    ("problem_option", "conv-net.channels=6,6"), ("problem_option", "conv-net.size=8"),
    ("problem_option", "conv-net.set=fashion-mnist"), ("problem_option", "conv-net.batch_size=32"),
    ("problem_option", "autoencoder.layers=24,6,24"),
    ("problem_option", "autoencoder.activation=elu"),
    ("problem_option", "autoencoder.set=fashion-mnist"), ("problem_option", "char-lstm.hidden=12"),
    ("problem_option", "char-lstm.length=10"), ("problem_option", "char-lstm.batch_size=8"),
    ("problem_option", "char-lstm.embedding=10"),
  ]

  /// Evolution strategies on trajectories of 100 to 1,000 steps.
  private static let evolution: KeyValuePairs<String, String> = [
    "estimator": "nres", "sigma": "0.02", "num_steps": "100..1000", "unroll_length": "50",
    "optimizees": "16", "log_period": "100", "evaluation_period": "1000", "evaluation_epochs": "5",
    "checkpoint_period": "200", "learning_rate": "0.0007", "meta_optimizer": "adamw",
    "schedule": "cosine", "warmup": "20", "clip_value": "3", "loss_clip": "5",
  ]

  /// Backpropagation through short unrolls finds in minutes what evolution strategies, at a signal to
  /// noise of a hundredth, need hours for; these then take off its bias to early losses, first at a
  /// rate that stays, then at one that falls as it does where it is used: with a rate that stays, the
  /// final loss tells more of the noise of the last steps than of their direction.
  private static func general(_ name: String, _ net: String) -> Recipe {
    let rule = [("net_option", "net=\(net)"), ("net_option", "layers=8,8")]
    let steady = mixture + rule + [("net_option", "learning_rate=0.005")]
    let falling =
      mixture + rule + [
        ("net_option", "learning_rate=0.008"), ("net_option", "schedule=cosine"),
      ]
    return Recipe(
      name, "\(net) for any model: on small models of five kinds, an hour of a core", starts: 1,
      phases: [
        Phase(
          "search", steady,
          [
            "num_steps": "300", "unroll_length": "25", "optimizees": "8", "num_epochs": "60",
            "log_period": "10", "evaluation_period": "60", "evaluation_epochs": "5",
            "learning_rate": "0.002", "meta_loss": "log", "clip_norm": "1",
          ]),
        Phase("train", steady + Array(evolution), ["num_meta_steps": "9000"]),
        Phase("decay", falling + Array(evolution), ["num_meta_steps": "5000"]),
      ])
  }

  /// Perceptrons of 20 sigmoid and of 20 ReLU units on MNIST, and smaller ones of many kinds.
  private static let perceptrons: [(String, String)] = [
    ("net_option", "net=RNNprop"), ("problem", "mnist"), ("problem_option", "mnist.images=1000"),
    ("problem", "perceptron"), ("problem_option", "perceptron.images=1000"),
    ("problem_option", "perceptron.layers=20"), ("problem_option", "perceptron.activation=relu"),
    ("problem_option", "perceptron.size=0"), ("problem_option", "perceptron.batch_size=128"),
    ("problem_option", "perceptron.initialization=small"), ("problem", "perceptrons"),
    ("problem_option", "perceptrons.sets=mnist"), ("problem_option", "perceptrons.images=1000"),
    ("problem_option", "perceptrons.size=14"), ("problem_option", "perceptrons.widths=16,48"),
    ("problem_option", "perceptrons.depths=1,2"),
    ("problem_option", "perceptrons.activations=sigmoid,relu"),
    ("problem_option", "perceptrons.initializations=small"),
    ("problem_option", "perceptrons.batch_sizes=128,128"),
  ]

  /// An LSTM that sees gradients in units of their own history reaches other activations and ten times
  /// as many steps, where one that sees their logarithms stays with what it was trained on.
  ///
  /// It ends with training on ReLUs alone, on whose meta-gradients optimizees agree best; that makes it better
  /// on all the others, too.
  private static let rnnprop: Recipe = {
    let steps = [
      ("second_derivatives", "true"), ("meta_loss", "log"), ("clip_norm", "1"),
      ("adjoint_limit", "2"), ("num_steps", "100"), ("log_period", "10"),
    ]
    let shared = perceptrons + steps
    return Recipe(
      "rnnprop", "RNNprop for perceptrons of many kinds: half an hour of a core", starts: 1,
      phases: [
        Phase(
          "search", shared,
          [
            "unroll_length": "20", "optimizees": "3", "num_epochs": "100", "average_steps": "50",
            "learning_rate": "0.003", "learning_rate_half_life": "150", "evaluation_period": "20",
            "evaluation_epochs": "20",
          ]),
        Phase(
          "refine", shared,
          [
            "unroll_length": "50", "optimizees": "6", "num_epochs": "70", "average_steps": "60",
            "learning_rate": "0.0007", "learning_rate_half_life": "80", "evaluation_period": "10",
            "evaluation_epochs": "40",
          ]),
        Phase(
          "relu", steps,
          [
            "net_option": "net=RNNprop", "problem": "mnist", "problem_option": "images=1000",
            "problem_option": "activation=relu", "unroll_length": "50", "optimizees": "2",
            "num_epochs": "60", "average_steps": "50", "learning_rate": "0.001",
            "learning_rate_half_life": "30", "evaluation_period": "20", "evaluation_epochs": "50",
          ], fixed: ["problem", "problem_option"]),
      ])
  }()

  /// A rule of 197 weights that learns by imitation what Adam, RMSprop and NAG do, and by evolution
  /// strategies to do better than each.
  ///
  /// Backpropagation in place of imitation stays at four times Adam's mean loss; evolution strategies
  /// from new weights are slower than either.
  private static let smallFC: Recipe = {
    let shared = [
      ("problem", "perceptron"), ("net_option", "net=AdafacMLPLOpt"),
      ("net_option", "step_mult=0.01"),
    ]
    return Recipe(
      "small-fc", "small_fc (AdafacMLPLOpt) for a perceptron 64-32-10: 20 minutes of a core",
      starts: 1,
      phases: [
        Phase(
          "imitate", shared,
          [
            "imitation": "1", "num_steps": "300", "unroll_length": "20", "optimizees": "2",
            "num_epochs": "20", "log_period": "5", "evaluation_period": "20",
            "evaluation_epochs": "10", "learning_rate": "0.01", "meta_loss": "log",
            "clip_norm": "1",
          ]),
        // Evaluated at the end alone: the smallest final loss is not the smallest mean, which is learned.
        Phase(
          "evolve", shared,
          [
            "estimator": "nres", "sigma": "0.03", "num_steps": "100..2000", "unroll_length": "50",
            "optimizees": "16", "num_meta_steps": "10000", "log_period": "100",
            "evaluation_period": "10000", "evaluation_epochs": "20", "checkpoint_period": "500",
            "learning_rate": "0.001", "meta_optimizer": "adamw", "schedule": "cosine",
            "warmup": "20", "clip_value": "3", "loss_clip": "3.454",
          ]),
      ])
  }()

  /// Those for optimizers that take on any model, or many.
  static let forAnyModel: [Recipe] = [
    general("celo2", "Celo2"), general("celo2base", "Celo2Base"), rnnprop, smallFC,
  ]
}
