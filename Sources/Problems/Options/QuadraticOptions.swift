package import Settings

/// The options of the problem `quadratic`.
package struct QuadraticOptions: Configurable {
  /// Quadratics in the batch.
  package var batchSize = 128
  /// Dimensions of each.
  package var dimensions = 10
  /// The standard deviation of the initial x.
  package var standardDeviation: Float = 0.01
  /// What W and y are drawn from.
  package var distribution = Quadratic.Distribution.uniform

  /// The reference program's.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<QuadraticOptions>] = [
    Setting("batch_size", \.batchSize, in: .from(1, to: 1_000_000), "quadratics in the batch"),
    Setting("num_dims", \.dimensions, in: .from(1, to: 4096), "dimensions of each"),
    Setting("stddev", \.standardDeviation, in: .atLeast(0), "of the initial x"),
    Setting("distribution", \.distribution, "of W and y"),
  ]

  /// Checks that W is no larger than a tensor may be.
  package func check() throws(SettingError) {
    try limit("batch_size", elements: batchSize * dimensions * dimensions)
  }
}

extension Quadratic {
  /// The problem with the given options.
  package init(_ options: QuadraticOptions) {
    self.init(
      batchSize: options.batchSize, dimensions: options.dimensions,
      standardDeviation: options.standardDeviation, distribution: options.distribution)
  }

  /// The options that given tensors decide.
  package static func options(ofShapes shape: (_ tensor: String) -> [Int]?) -> [String: String] {
    func sizes(_ tensor: String, rank: Int) -> [Int]? {
      shape(tensor).flatMap { $0.count == rank ? $0 : nil }
    }
    guard
      let sizes = sizes("x0/x", rank: 2) ?? sizes("const/y", rank: 2) ?? sizes("const/w", rank: 3)
    else { return [:] }
    return ["batch_size": "\(sizes[0])", "num_dims": "\(sizes[1])"]
  }
}

/// The options of the problem `simple-multi`.
package struct SimpleOptions: Configurable {
  /// Scalars.
  package var dimensions = 2

  /// The reference program's.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<SimpleOptions>] = [
    Setting("num_dims", \.dimensions, in: .from(1, to: 1000), "number of scalars")
  ]
}
