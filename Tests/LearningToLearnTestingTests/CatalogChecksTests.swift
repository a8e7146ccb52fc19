import Catalogs
import Datasets
import LearnedOptimizers
import LearningToLearnTesting
import MetaTraining
import Problems
import Settings
import Testing

/// The checks that come with the library over everything that comes with the library.
@Suite("Everything in the catalog")
struct CatalogChecksTests {
  /// A problem at a size that takes no time, without kinks where it can be had so.
  private struct Case {
    var options: [String: String] = [:]
    var step: Float = 0.02
    var isSmooth = true
  }

  private static let cases: [String: Case] = [
    "cifar": Case(
      options: [
        "conv_channels": "2,3", "linear_layers": "4", "batch_size": "4", "batch_norm": "false",
      ],
      step: 0.002,
      isSmooth: false),
    "cifar-multi": Case(
      options: [
        "conv_channels": "2,3", "linear_layers": "4", "batch_size": "4", "batch_norm": "false",
      ],
      step: 0.002,
      isSmooth: false),
    "perceptron": Case(options: ["activation": "tanh"]),
    "autoencoder": Case(options: ["activation": "tanh", "layers": "8,4,8"]),
    "conv-net": Case(options: ["batch_size": "8"], isSmooth: false),
    "char-lstm": Case(options: ["hidden": "4", "embedding": "3", "length": "5"]),
    "char-gru": Case(options: ["hidden": "4", "embedding": "3", "length": "5"]),
    "char-transformer": Case(options: ["width": "12", "length": "5"]),
    "rosenbrock": Case(step: 0.005),
    "rastrigin": Case(step: 0.005),
    "ackley": Case(step: 0.005),
    "beale": Case(step: 0.005),
    "himmelblau": Case(step: 0.005),
    "lasso": Case(step: 0.002),
    "small-images": Case(options: ["scale": "2"], step: 0.005, isSmooth: false),
    "perceptrons": Case(isSmooth: false),
  ]

  @Test(
    "its problems and families are what they should be",
    arguments: Catalog.standard.problems.map(\.name))
  func problems(name: String) throws {
    let each = Self.cases[name] ?? Case()
    let built = try Catalog.standard.problem(named: name).make(
      options: each.options,
      data: ProblemData(split: .train, directory: name.hasPrefix("cifar") ? "synthetic" : nil))
    for task in built.tasks {
      try checkFamily(
        task.family, members: task.family is any Problem ? 1 : 3, step: each.step,
        isSmooth: each.isSmooth)
    }
  }

  @Test("what is checked at a size of its own is in the catalog")
  func caseNames() {
    let names = Catalog.standard.problems.map(\.name)
    for name in Self.cases.keys { #expect(names.contains(name), "\(name)") }
  }

  @Test("its rules are what they should be", arguments: Catalog.standard.optimizers.map(\.name))
  func optimizers(name: String) throws {
    let needed: [String: [String: JSONValue]] = [
      StandardDeepLSTM.name: ["output_size": .number(3)],
      KernelDeepLSTM.name: ["kernel_shape": [2, 2].settingJSON],
    ]
    let rule = try Catalog.standard.optimizer(named: name).make(options: needed[name] ?? [:])
    try checkOptimizer(rule, catalog: Catalog.standard.optimizers)
  }

  @Test(
    "its estimators are what they should be", arguments: Catalog.standard.estimators.map(\.name))
  func estimators(name: String) throws {
    var options = TrainingOptions()
    options.estimator = name
    let entry = try #require(Catalog.standard.estimators.first { $0.name == name })
    try checkEstimator(entry.make(options))
    options.secondDerivatives = true
    (options.adjointLimit, options.adjointSmoothing) = (2, 0.5)
    (options.perturbationSteps, options.usesSign, options.clipNorm) = (6, true, 0.1)
    try checkEstimator(entry.make(options))
  }
}
