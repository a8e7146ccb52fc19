internal import Comparison
internal import LearnedOptimizers
internal import MetaTraining
internal import Problems
internal import Settings
internal import Unrolling

extension Catalog {
  /// What comes with the package.
  public static let standard = Catalog(
    problems: standardProblems + ProblemEntry.networks + ProblemEntry.functions
      + ProblemEntry.families, optimizers: OptimizerEntry.standard,
    estimators: EstimatorEntry.standard, baselines: Baseline.standard,
    recipes: Recipe.standard + Recipe.forAnyModel, suites: Suite.standard)

  private static let standardProblems: [ProblemEntry] = [
    ProblemEntry("simple", "one scalar: f = x^2", nets: [.linear]) { (_: NoSettings, _) in
      Simple()
    },
    ProblemEntry(
      "simple-multi", "scalars, two optimizers: f = x_0^2 + x_1^2",
      nets: [
        .linear(on: ["x_0"]),
        NetDescription(
          key: "adam", net: Adam.name, options: ["learning_rate": .number(0.1)],
          parameters: ["x_1"]),
      ]
    ) { (options: SimpleOptions, _) in Simple(dimensions: options.dimensions) },
    ProblemEntry(
      "quadratic", "a batch of random quadratics: f = mean |W x - y|^2", nets: [.plainLSTM],
      implied: Quadratic.options(ofShapes:)
    ) { (options: QuadraticOptions, _) in Quadratic(options) },
    ProblemEntry(
      "mnist", "a perceptron on images of digits: mean cross-entropy", nets: [.lstm],
      implied: MNISTProblem.options(ofShapes:)
    ) { (options: MNISTOptions, data) in try BuiltProblem.mnist(options, data) },
    ProblemEntry(
      "cifar", "a convolutional network on small images: mean cross-entropy", nets: [.lstm],
      implied: CIFARProblem.options(ofShapes:)
    ) { (options: CIFAROptions, data) in try BuiltProblem.cifar(options, data) },
    ProblemEntry(
      "cifar-multi", "cifar, with one optimizer for filters and one for all else",
      // Patterns, because the problem's options decide how many parameters there are.
      nets: [
        .lstm(key: "conv", on: .matching("conv_net_2d/conv_2d_*/w")),
        .lstm(key: "fc", on: .others),
      ],
      implied: CIFARProblem.options(ofShapes:)
    ) { (options: CIFAROptions, data) in try BuiltProblem.cifar(options, data) },
  ]
}
