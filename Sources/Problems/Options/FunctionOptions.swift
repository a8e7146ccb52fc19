internal import Datasets
package import Settings

/// The number of a function's variables.
package struct FunctionOptions: Configurable {
  /// Variables.
  package var dimensions = 2

  /// Two of them.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<FunctionOptions>] = [
    Setting("num_dims", \.dimensions, in: .from(2, to: 100_000), "number of variables")
  ]
}

/// The options of the problem `conditioned-quadratic`.
package struct ConditionedOptions: Configurable {
  /// Variables.
  package var dimensions = 20
  /// The Hessian's condition number.
  package var condition: Float = 100

  /// 20 variables, condition 100.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<ConditionedOptions>] = [
    Setting("num_dims", \.dimensions, in: .from(1, to: 100_000), "number of variables"),
    Setting("condition", \.condition, in: .from(1, to: 1e12), "the Hessian's condition number"),
  ]
}

/// The options of the problem `lasso`.
package struct LassoOptions: Configurable {
  /// Equations.
  package var rows = 25
  /// Variables.
  package var dimensions = 50
  /// The weight of absolute values.
  package var penalty: Float = 0.005

  /// Those of Chen et al., 2021.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<LassoOptions>] = [
    Setting("rows", \.rows, in: .from(1, to: 100_000), "equations"),
    Setting("num_dims", \.dimensions, in: .from(1, to: 100_000), "variables"),
    Setting("penalty", \.penalty, in: .atLeast(0), "the weight of the absolute values"),
  ]

  /// Checks that the matrix is no larger than a tensor may be.
  package func check() throws(SettingError) { try limit("rows", elements: rows * dimensions) }
}

/// The options of the problem `logistic-regression`.
package struct LogisticOptions: Configurable {
  /// A CSV file; nil to draw rows.
  package var path: String?
  /// Rows of a minibatch; 0 for all.
  package var batchSize = 0
  /// Rows that are drawn.
  package var rows = 100
  /// Numbers in a row that is drawn.
  package var columns = 10
  /// The weight of squared weights.
  package var penalty: Float = 0.001

  /// 100 drawn rows of 10 numbers.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<LogisticOptions>] = [
    Setting(
      "table", \.path, placeholder: "FILE", default: "rows are drawn",
      "a CSV file of numbers with a class in the last column"),
    Setting(
      "batch_size", \.batchSize, in: .from(0, to: 1_000_000), "rows of a minibatch; 0 for all"),
    Setting("rows", \.rows, in: .from(1, to: 1_000_000), "rows, where they are drawn"),
    Setting("num_dims", \.columns, in: .from(1, to: 10_000), "numbers in a row that is drawn"),
    Setting("penalty", \.penalty, in: .atLeast(0), "the weight of squared weights"),
  ]

  private static let ofTheTable = "nothing: the table has its own"

  /// Checks that drawn rows take no more memory than a tensor may, and that a table has a name.
  package func check() throws(SettingError) {
    guard let path else { return try limit("rows", elements: rows * columns) }
    let standard = LogisticOptions()
    guard !path.isEmpty else { throw refuse("table", expected: "the path of a file") }
    guard rows == standard.rows else { throw refuse("rows", expected: Self.ofTheTable) }
    guard columns == standard.columns else { throw refuse("num_dims", expected: Self.ofTheTable) }
  }
}

extension BuiltProblem {
  /// A regression on a user's table, or on drawn rows.
  ///
  /// A table has no split: training and test rows are the same.
  ///
  /// - Throws: `DatasetError` for a table that can't be read.
  package static func logisticRegression(
    _ options: LogisticOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    guard let path = options.path else {
      return BuiltProblem(
        LogisticRegression(
          rows: options.rows, columns: options.columns, penalty: options.penalty))
    }
    let table = try NumberTable(contentsOf: path)
    return BuiltProblem(
      family: LogisticRegression(
        table: table, batchSize: options.batchSize, penalty: options.penalty),
      contentHash: table.contentHash())
  }
}
