// Tasks that no optimizer of the package was trained on, all with data inside the program.

extension Suite {
  /// The suites that come with the package.
  public static let standard = [small, large]

  /// The settings of files that don't say otherwise.
  public static let fileStandard = small

  /// Minutes on two cores.
  private static let small = Suite(
    "small", "ten small tasks of all kinds: minutes on two cores",
    tasks: [
      Task("perceptron", ["layers": "32"], steps: 500, name: "relu 32"),
      Task(
        "perceptron", ["layers": "64", "activation": "tanh", "size": "14", "batch_size": "32"],
        steps: 300, name: "tanh 64"),
      Task(
        "perceptron", ["layers": "32,32,32", "activation": "gelu", "batch_size": "128"],
        steps: 300, name: "gelu 32-32-32"),
      Task("softmax-regression", ["size": "14", "batch_size": "64"], steps: 300, name: "softmax"),
      Task("autoencoder", [:], steps: 300, name: "autoencoder"),
      Task(
        "conv-net", ["channels": "4,8", "batch_size": "16"], steps: 200, name: "conv-net 4-8"),
      Task(
        "char-gru", ["hidden": "16", "length": "16", "batch_size": "8"], steps: 200,
        name: "char-gru 16"),
      Task(
        "conditioned-quadratic", ["num_dims": "50", "condition": "1000"], steps: 500,
        name: "quadratic 50"),
      Task("rosenbrock", ["num_dims": "10"], steps: 500, name: "rosenbrock 10"),
      Task("logistic-regression", [:], steps: 300),
    ],
    baselines: ["SGD", "NAG", "RMSprop", "Adam", "AdamW", "Lion", "Muon"], seedCount: 4,
    tuningSeedCount: 2, trialCount: 11)

  /// About an hour on two cores.
  private static let large = Suite(
    "standard", "18 tasks of all kinds: about an hour on two cores",
    tasks: [
      Task("perceptron", ["layers": "32"], steps: 2000, name: "relu 32"),
      Task(
        "perceptron", ["layers": "128", "size": "14", "batch_size": "32"], steps: 1000,
        name: "relu 128"),
      Task(
        "perceptron", ["layers": "64,64", "activation": "tanh", "batch_size": "16"], steps: 1000,
        name: "tanh 64-64"),
      Task(
        "perceptron", ["layers": "32,32,32,32", "activation": "gelu", "batch_size": "128"],
        steps: 1000, name: "gelu 32 x 4"),
      Task(
        "perceptron", ["layers": "20", "activation": "sigmoid", "size": "28", "batch_size": "128"],
        steps: 500, name: "sigmoid 20"),
      Task(
        "perceptron",
        ["layers": "48,24", "activation": "silu", "size": "14", "initialization": "small"],
        steps: 1000, name: "silu 48-24"),
      Task("perceptrons", [:], steps: 1000, name: "perceptrons of all kinds"),
      Task("softmax-regression", ["size": "14", "batch_size": "64"], steps: 1000, name: "softmax"),
      Task("autoencoder", [:], steps: 1000, name: "autoencoder 32-8-32"),
      Task(
        "autoencoder", ["layers": "64,16,64", "size": "14", "activation": "tanh"], steps: 500,
        name: "autoencoder 64-16-64"),
      Task("conv-net", ["channels": "4,8", "batch_size": "16"], steps: 500, name: "conv-net 4-8"),
      Task(
        "char-gru", ["hidden": "16", "length": "16", "batch_size": "8"], steps: 500,
        name: "char-gru 16"),
      Task(
        "char-lstm", ["hidden": "16", "length": "16", "batch_size": "8"], steps: 500,
        name: "char-lstm 16"),
      Task(
        "char-transformer", ["width": "16", "length": "16"], steps: 300, name: "transformer 16"),
      Task(
        "conditioned-quadratic", ["num_dims": "50", "condition": "1000"], steps: 1000,
        name: "quadratic 50"),
      Task("rosenbrock", ["num_dims": "10"], steps: 1000, name: "rosenbrock 10"),
      Task("rastrigin", ["num_dims": "10"], steps: 500, name: "rastrigin 10"),
      Task("lasso", [:], steps: 500),
    ],
    baselines: [
      "SGD", "NAG", "RMSprop", "Adam", "AdamW", "NAdamW", "RAdam", "Lion", "Muon",
      "ScheduleFreeAdamW",
    ], seedCount: 5, tuningSeedCount: 2, trialCount: 13)
}
