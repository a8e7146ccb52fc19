public import Datasets
internal import Tensors

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

/// A problem or a family of problems and the data that it reads, if any.
public struct BuiltProblem: Sendable {
  /// What optimizees are given: one problem, or the members of a family.
  public let family: any ProblemFamily
  /// The families that optimizees are dealt from evenly, each with a name where there are several.
  public let tasks: [(name: String?, family: any ProblemFamily)]
  /// The data sets, for notices and for comparing between processes.
  public let datasets: [ImageDataset]
  /// Hashes of other data.
  private let otherHashes: [UInt64]

  /// A problem on a data set, or without one.
  public init(_ problem: any Problem, dataset: ImageDataset? = nil) {
    family = problem
    tasks = [(nil, problem)]
    datasets = dataset.map { [$0] } ?? []
    otherHashes = []
  }

  /// A problem or a family on the data sets that it names, and other data of the given hash.
  public init(family: any ProblemFamily, contentHash: UInt64? = nil) {
    self.family = family
    tasks = [(nil, family)]
    datasets = family.datasets
    otherHashes = contentHash.map { [$0] } ?? []
  }

  /// Several families, of which each has as many optimizees as any other.
  ///
  /// - Throws: `ProblemError.wrongNumberOfWeights` without families.
  public init(
    tasks: [(name: String, family: any ProblemFamily)]
  ) throws(ProblemError) {
    try self.init(mixing: tasks, otherHashes: [])
  }

  /// Several problems or families under their names, each as often as any other, with losses in units
  /// of what each starts with.
  ///
  /// - Throws: `ProblemError.wrongNumberOfWeights` without problems.
  public init(together parts: [(name: String, built: BuiltProblem)]) throws(ProblemError) {
    let tasks = parts.flatMap { part in
      part.built.tasks.map { task in
        (
          name: task.name.map { "\(part.name)/\($0)" } ?? part.name,
          family: StartUnits(task.family) as any ProblemFamily
        )
      }
    }
    try self.init(mixing: tasks, otherHashes: parts.flatMap(\.built.otherHashes))
  }

  private init(
    mixing tasks: [(name: String, family: any ProblemFamily)], otherHashes: [UInt64]
  ) throws(ProblemError) {
    let mixture = try Mixture(tasks.map(\.family))
    family = mixture
    self.tasks = tasks.map { ($0.name, $0.family) }
    datasets = mixture.datasets
    self.otherHashes = otherHashes
  }

  /// The problem; of a family of several its first member, as an example of what they are like.
  public var problem: any Problem {
    if let problem = family as? any Problem { return problem }
    var stream = RandomStream(seed: 0, purpose: .problem)
    return family.member(&stream)
  }

  /// Whether optimizees get different problems.
  public var hasSeveralProblems: Bool { !(family is any Problem) }

  /// The first data set.
  public var dataset: ImageDataset? { datasets.first }

  /// What the user is to be told of the data sets, each once.
  public var notices: [String] {
    var seen: Set<String> = []
    return datasets.compactMap(\.notice).filter { seen.insert($0).inserted }
  }

  /// Hashes of all data, to compare between processes; `none` without data.
  public var dataHash: String {
    let hashes = datasets.map { $0.contentHash() } + otherHashes
    return hashes.isEmpty
      ? "none" : hashes.map { String($0, radix: 16) }.joined(separator: " ")
  }
}
