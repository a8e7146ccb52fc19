public import Datasets

/// What problems need besides their options: where their data come from.
public struct ProblemData: Sendable {
  /// Which part of a data set is drawn from.
  public var split: DatasetSplit
  /// The folder given by the user; nil looks in the usual places.
  public var directory: String?
  /// One minibatch to use at every evaluation instead of a data set.
  public var fixedBatch: ImageBatch?

  /// Data of one split.
  public init(
    split: DatasetSplit, directory: String? = nil, fixedBatch: ImageBatch? = nil
  ) {
    self.split = split
    self.directory = directory
    self.fixedBatch = fixedBatch
  }
}

/// A problem that can be chosen by name.
public struct ProblemEntry: Sendable {
  /// The name on the command line.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// The arguments it takes.
  public let options: [OptionSpecification]
  private let build: @Sendable (ProblemOptions, ProblemData) throws -> BuiltProblem

  init(
    _ name: String, _ summary: String, options: [OptionSpecification] = [],
    build: @escaping @Sendable (ProblemOptions, ProblemData) throws -> BuiltProblem
  ) {
    self.name = name
    self.summary = summary
    self.options = options
    self.build = build
  }

  /// The problem with the given options (others at their defaults).
  ///
  /// Options are checked before any data are read.
  ///
  /// - Throws: `ProblemError` for a wrong option, `DatasetError` for missing or malformed data.
  public func make(options given: [String: String] = [:], data: ProblemData) throws
    -> BuiltProblem
  {
    let options = try ProblemOptions(
      problem: name, given: given, specifications: self.options)
    return try build(options, data)
  }
}

/// A problem and the data set it reads, if any.
public struct BuiltProblem: Sendable {
  /// The problem.
  public let problem: any Problem
  /// The data set, for notices and for comparing between processes.
  public let dataset: ImageDataset?

  init(_ problem: any Problem, dataset: ImageDataset? = nil) {
    self.problem = problem
    self.dataset = dataset
  }
}

/// All problems, by name.
public enum ProblemCatalog {
  /// The problems, in the order in which they are listed.
  public static let all: [ProblemEntry] = [
    ProblemEntry("simple", "one scalar: f = x^2") { _, _ in BuiltProblem(Simple()) },
    ProblemEntry(
      "simple-multi", "scalars, two optimizers: f = x_0^2 + x_1^2",
      options: [OptionSpecification("num_dims", default: "2", "number of scalars")]
    ) { options, _ in
      BuiltProblem(Simple(dimensions: try options.integer("num_dims", in: 1...1000)))
    },
    ProblemEntry(
      "quadratic", "a batch of random quadratics: f = mean |W x - y|^2",
      options: [
        OptionSpecification("batch_size", default: "128", "quadratics in the batch"),
        OptionSpecification("num_dims", default: "10", "dimensions of each"),
        OptionSpecification("stddev", default: "0.01", "of the initial x"),
        OptionSpecification("distribution", default: "uniform", "of W and y: uniform or gaussian"),
      ]
    ) { options, _ in
      let batchSize = try options.integer("batch_size", in: 1...1_000_000)
      let dimensions = try options.integer("num_dims", in: 1...4096)
      try options.limit("batch_size", elements: batchSize * dimensions * dimensions)
      return BuiltProblem(
        Quadratic(
          batchSize: batchSize, dimensions: dimensions,
          standardDeviation: try options.number("stddev"),
          distribution: try options.choice("distribution", of: Quadratic.Distribution.self)))
    },
    .mnist,
    .cifar("cifar", "a convolutional network on small images: mean cross-entropy"),
    .cifar("cifar-multi", "cifar, with one optimizer for filters and one for all else"),
  ]

  /// The problem of this name.
  ///
  /// - Throws: `ProblemError.unknownProblem`.
  public static func entry(named name: String) throws(ProblemError) -> ProblemEntry {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw .unknownProblem(name, valid: all.map(\.name))
    }
    return entry
  }
}
