import ArgumentParser
import Datasets
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems

/// Options that choose a problem.
struct ProblemArguments: ParsableArguments {
  @Option(name: .customLong("problem"), help: "The problem; `l2l list` names all.")
  var problem: String?

  @Option(
    name: .customLong("problem_option"), parsing: .singleValue,
    help: ArgumentHelp("An argument of the problem; repeatable.", valueName: "NAME=VALUE"))
  var problemOptions: [String] = []

  @Option(
    name: .customLong("net_option"), parsing: .singleValue,
    help: ArgumentHelp("An option of the default nets; repeatable.", valueName: "NAME=VALUE"))
  var netOptions: [String] = []

  @Option(
    name: .customLong("data_dir"),
    help: "Where data sets lie; else $L2L_DATA_DIR, ./data, or the embedded subset.")
  var dataDirectory: String?

  func problemOptionValues() throws -> [String: String] {
    try Self.pairs(problemOptions, "--problem_option")
  }

  func netOptionValues() throws -> [String: String] {
    try Self.pairs(netOptions, "--net_option")
  }

  private static func pairs(_ list: [String], _ flag: String) throws -> [String: String] {
    var values: [String: String] = [:]
    for item in list {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Failure(.usage, "\(flag) takes NAME=VALUE, not '\(item)'")
      }
      guard values.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
        throw Failure(.usage, "\(flag) \(parts[0]) is given twice")
      }
    }
    return values
  }
}

/// The nets of a problem with the user's options in place of the defaults.
func netDescriptions(
  problem: String, overrides: [String: String]
) throws -> [NetDescription] {
  let defaults = ExperimentCatalog.nets(forProblem: problem)
  guard !overrides.isEmpty else { return defaults }
  return try defaults.map { description in
    var description = description
    let entry = try OptimizerCatalog.entry(named: description.net)
    for (name, text) in overrides.sorted(by: { $0.key < $1.key }) {
      let key = name.replacing("-", with: "_")
      if key == "net" { continue }
      // A net whose class lacks the option (Adam beside an LSTM) keeps its own.
      let aliases = ["preprocess", "k", "min", "max"]
      if defaults.count > 1, !entry.options.contains(key), !aliases.contains(key) { continue }
      description.options[key] = optionValue(text, isList: key == "layers")
    }
    if let net = overrides["net"] { description.net = net }
    if overrides["preprocess"] != nil || overrides["preprocess_name"] != nil {
      description.options["preprocess_options"] =
        overrides["preprocess_options"].flatMap(JSONValue.init(parsing:)) ?? .object([:])
      if let name = overrides["preprocess"] {
        description.options["preprocess_name"] = .string(name)
        description.options["preprocess"] = nil
      }
    }
    return description
  }
}

/// A net option's value as the user wrote it: JSON, a list of numbers, or a word.
private func optionValue(_ text: String, isList: Bool) -> JSONValue {
  if isList {
    let inner = text.filter { !"[]() ".contains($0) }
    return .array(
      inner.split(separator: ",").map { Double($0).map(JSONValue.number) ?? .string(String($0)) })
  }
  return JSONValue(parsing: text) ?? .string(text)
}

/// Tells the user when the embedded subset stands in for a data set.
func announce(_ dataset: ImageDataset?) {
  if let dataset, dataset.isEmbedded { StandardError.notice(MNIST.embeddedNotice) }
}

/// The problem's data as the command line gives it.
func makeProblem(
  _ name: String, options: [String: String], split: MNIST.Split, directory: String?,
  fixedBatch: ImageBatch? = nil
) throws -> BuiltProblem {
  let built = try ProblemCatalog.entry(named: name).make(
    options: options,
    data: ProblemData(split: split, directory: directory, fixedBatch: fixedBatch))
  announce(built.dataset)
  return built
}

/// The reference's three lines.
func printSummary(_ header: String, mean: Double, time: Double) {
  StandardOutput.write(header)
  StandardOutput.write("Log Mean Final Error: \(String(format: "%.2f", log10(mean)))")
  StandardOutput.write("Mean epoch time: \(String(format: "%.2f", time)) s")
}

/// A divergence as a sentence.
func sentence(_ divergence: Divergence) -> String {
  let what: String =
    switch divergence.quantity {
    case .loss: "the loss"
    case .gradient(let parameter): "the gradient of '\(parameter)'"
    case .metaGradient(let net): "the meta-gradient of net '\(net)'"
    }
  return "\(what) is not finite in epoch \(divergence.key.epoch + 1), optimizee"
    + " \(divergence.key.instance), step \(divergence.step): the optimizee is left out"
}

/// Checks that a number is in a range; the upper bound keeps sums and allocations in bounds.
func require(_ name: String, _ value: Int, atLeast least: Int, atMost most: Int = 10_000_000) throws
{
  guard value >= least else {
    throw Failure(.usage, "--\(name) must be at least \(least), not \(value)")
  }
  guard value <= most else {
    throw Failure(.usage, "--\(name) must be at most \(most), not \(value)")
  }
}

/// Checks a learning rate.
func requireLearningRate(_ value: Float) throws {
  guard value.isFinite, value >= 0 else {
    throw Failure(.usage, "--learning_rate must be a finite number not below 0, not \(value)")
  }
}

/// Checks that an output file can be made, before any work is done.
func requireWritable(_ path: String) throws {
  let folder = (path as NSString).deletingLastPathComponent
  var isFolder: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
    throw Failure(.cannotWrite, "cannot write '\(path)': it is a folder; name a file")
  }
  guard access(folder.isEmpty ? "." : folder, W_OK) == 0 else {
    throw Failure(
      .cannotWrite,
      "cannot write '\(path)': \(String(cString: strerror(errno))); choose another folder")
  }
}
