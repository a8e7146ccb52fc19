import Catalogs
import Comparison
import Settings

/// One entry of `--optimizers`.
enum ContenderArgument {
  case baseline(Baseline, rate: Float?)
  case saved(label: String, path: String)

  /// Reads `Adam`, `Adam=0.01` or `NAME=PATH`.
  ///
  /// - Throws: `Failure` that says what is wrong.
  init(_ text: String, baselines: [Baseline]) throws {
    let parts = text.unicodeScalars
      .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.first.map(String.init) ?? ""
    let value = parts.count == 2 ? String(parts[1]) : nil
    guard !name.isEmpty else {
      throw Failure(
        .usage, "--optimizers has an entry without a name: give names or NAME=PATH between commas")
    }
    if let baseline = baselines.first(where: { $0.name.lowercased() == name.lowercased() }) {
      let rate = try value.map { text in
        guard let rate = Float(text), rate.isFinite, rate >= 0 else {
          throw Failure(
            .usage,
            "\(name)=\(text) is no learning rate; give a number as in \(baseline.name)=0.01, or"
              + " another name to a saved optimizer")
        }
        return rate
      }
      self = .baseline(baseline, rate: rate)
      return
    }
    guard let value, !value.isEmpty else {
      throw Failure(
        .usage,
        name.uppercased() == "L2L" || value != nil
          ? "\(name) needs the path of a saved optimizer: \(name)=PATH"
          : "there is no optimizer '\(name)'\(suggestion(name, baselines.map(\.name)));"
            + " a saved one is given as NAME=PATH")
    }
    // Names stand in CSV files and scripts. An accent may be written as a mark of its own.
    let scalars = name.unicodeScalars
    func isMark(_ scalar: Unicode.Scalar?) -> Bool {
      scalar?.properties.generalCategory == .nonspacingMark
    }
    let isPlain = scalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil || isMark($0)
        || " -_.+:()/".unicodeScalars.contains($0)
    }
    guard isPlain, !isMark(scalars.first), name.count <= 32, scalars.count <= 64,
      scalars.first != " ", scalars.last != " "
    else {
      throw Failure(
        .usage,
        "'\(name)' can't be the name of an optimizer: give at most 32 letters, digits,"
          + " spaces inside, or -_.+:()/")
    }
    self = .saved(label: name, path: value)
  }
}

/// What `--optimizers` and `--optimizer` name; of a suite there may be none.
func contenderArguments(
  _ settings: CompareSettings, _ catalog: Catalog
) throws -> [ContenderArgument] {
  let given =
    settings.optimizers.flatMap {
      // Scalars: a mark that combines with the comma would hide it.
      $0.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    } + settings.named
  guard !given.isEmpty || settings.suite != nil else {
    throw Failure(.usage, "compare needs --optimizers, as --optimizers=L2L=PATH,Adam,SGD")
  }
  guard given.count <= 16 else {
    throw Failure(.usage, "--optimizers takes at most 16, not \(given.count)")
  }
  return try given.map { try ContenderArgument($0, baselines: catalog.baselines) }
}
