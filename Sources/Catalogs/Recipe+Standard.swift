// The trainings whose results the README reports; Scripts/reproduce compares what they give.

extension Recipe {
  /// What all trainings here differ in from the defaults, each found to help.
  ///
  /// Second derivatives most: without them the meta-gradient takes a displacement to persist for good,
  /// and training ends on a plateau. The logarithm makes late steps count, clipping and a decaying rate
  /// keep the weights from wandering, and a net that starts with no updates at all does not start on a
  /// plateau.
  private static let tuned: KeyValuePairs<String, String> = [
    "second_derivatives": "true", "meta_loss": "log", "clip_norm": "1",
    "net_option": #"initializer={"linear":{"w":"zeros"}}"#,
  ]

  /// The net of perceptrons and the task: each optimizee sees 1,000 images, as many as there are in
  /// the embedded test split.
  private static let perceptron = joined(
    tuned,
    [
      "problem": "mnist", "problem_option": "images=1000", "net_option": "k=10",
      "net_option": "scale=0.1", "net_option": "input_gain=10",
    ])

  /// The course of perceptrons' trainings.
  ///
  /// A high rate finds good optimizers within a hundred epochs and bad ones beside them: averaged
  /// weights and evaluations on many optimizees tell them apart.
  private static let perceptronCourse: KeyValuePairs<String, String> = [
    "num_epochs": "100", "average_steps": "50", "adjoint_limit": "2", "learning_rate": "0.003",
    "learning_rate_half_life": "100", "evaluation_period": "10", "evaluation_epochs": "50",
  ]

  /// The net and the course of quadratics.
  ///
  /// The gradients are means over 128 problems and small: LogAndSign and a gain bring out their size,
  /// without which the net stays linear. An unroll in which a few of the problems begin to oscillate
  /// has adjoints that grow without end: with the limit, and averaged weights, none of 100 optimizees
  /// ends in an oscillation.
  private static let quadratic = joined(
    tuned,
    [
      "problem": "quadratic", "net_option": "preprocess=LogAndSign", "net_option": "k=6",
      "net_option": "input_gain=30", "num_epochs": "10000", "adjoint_limit": "2",
      "average_steps": "200", "learning_rate": "0.003", "learning_rate_half_life": "2500",
      "evaluation_period": "100", "evaluation_epochs": "50",
    ])

  /// The net and the course of small convolutional nets.
  ///
  /// Unrolls of normalized nets are chaotic: without the limit meta-gradients are a thousand times
  /// longer and little but noise.
  private static let cifar = joined(
    tuned,
    [
      "problem_option": "conv_channels=8,8", "problem_option": "linear_layers=16",
      "problem_option": "batch_size=32", "net_option": "k=10", "net_option": "scale=0.1",
      "adjoint_limit": "1", "optimizees": "2", "average_steps": "50", "num_epochs": "100",
      "evaluation_period": "10", "log_period": "10",
    ])

  private static func joined(
    _ first: KeyValuePairs<String, String>, _ second: KeyValuePairs<String, String>
  ) -> [(String, String)] { Array(first) + Array(second) }

  /// Those that come with the package.
  static let standard: [Recipe] = [
    Recipe("quadratic", "quadratics whose W and y are uniform, as in the program", quadratic, [:]),
    Recipe(
      "quadratic-gaussian", "quadratics whose W and y are Gaussian, as in the paper", quadratic,
      ["problem_option": "distribution=gaussian"]),
    Recipe(
      "quadratic-large", "quadratics, with a net of two layers of 32", quadratic,
      ["net_option": "layers=32,32"]),
    Recipe(
      "mnist", "perceptrons on MNIST, the paper's net", perceptron, perceptronCourse),
    Recipe(
      "mnist-program", "perceptrons on MNIST, as the reference program does it", [],
      [
        "problem": "mnist", "problem_option": "images=1000", "num_epochs": "300",
        "evaluation_period": "25",
      ]),
    // In longer unrolls than MNIST's, as what short ones reward is a quick descent: with them the loss
    // after 100 steps grows again as training goes on. First at a high rate, which finds a good region
    // or a poor one, whatever follows; the best is trained further, more exactly. Derivatives through
    // 100 steps are noise unless smoothed.
    Recipe(
      "fashion-mnist",
      "perceptrons on Fashion-MNIST: from MNIST, the best of three starts, refined",
      starts: 3,
      phases: [
        Phase("mnist", perceptron, perceptronCourse, fixed: ["data_dir"]),
        Phase(
          "search", perceptron,
          [
            "data_dir": fashion, "num_epochs": "300", "average_steps": "50", "adjoint_limit": "2",
            "unroll_length": "50", "optimizees": "2", "learning_rate": "0.003",
            "learning_rate_half_life": "100", "evaluation_period": "15", "evaluation_epochs": "50",
          ]),
        Phase(
          "refine", perceptron,
          [
            "data_dir": fashion, "num_epochs": "400", "average_steps": "30",
            "adjoint_smoothing": "1", "unroll_length": "100", "optimizees": "2",
            "learning_rate": "0.001", "learning_rate_half_life": "200", "evaluation_period": "20",
            "evaluation_epochs": "100",
          ]),
      ]),
    Recipe(
      "cifar", "a small convolutional net on CIFAR-10", cifar,
      [
        "problem": "cifar", "learning_rate": "0.001", "learning_rate_half_life": "150",
        "evaluation_epochs": "10",
      ]),
    Recipe(
      "cifar-multi", "the same with one optimizer for filters and one for all else", cifar,
      [
        "problem": "cifar-multi", "learning_rate": "0.003", "learning_rate_half_life": "40",
        "evaluation_epochs": "20",
      ]),
  ]

  /// Where Debian's package dataset-fashion-mnist puts it.
  private static let fashion = "/usr/share/datasets/fashion-mnist"
}
