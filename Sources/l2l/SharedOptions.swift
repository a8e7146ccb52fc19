public import ArgumentParser
import Datasets
import Experiments
import Foundation
import LearnedOptimizers
public import MetaTraining
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
    help: ArgumentHelp(
      "An option of the default nets; KEY.NAME for one of several; repeatable.",
      valueName: "NAME=VALUE"))
  var netOptions: [String] = []

  @Option(
    name: .customLong("data_dir"),
    help: """
      Where data sets lie; else $L2L_DATA_DIR, ./data, or the embedded subset. synthetic: drawn images.
      """)
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
      let name = String(parts[0].replacing("-", with: "_"))
      guard values.updateValue(String(parts[1]), forKey: name) == nil else {
        throw Failure(.usage, "\(flag) \(name) is given twice")
      }
    }
    return values
  }
}

/// The problem's data as the command line gives it.
func makeProblem(
  _ name: String, options: [String: String], split: DatasetSplit, directory: String?,
  fixedBatch: ImageBatch? = nil, announcing: Bool = true
) throws -> BuiltProblem {
  let built = try ProblemCatalog.entry(named: name).make(
    options: options,
    data: ProblemData(split: split, directory: directory, fixedBatch: fixedBatch))
  // Tells the user when other images stand in for a data set.
  if announcing, let notice = built.dataset?.notice { StandardError.notice(notice) }
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

/// Checks how long a collective may take.
func requireTimeout(_ seconds: Double) throws {
  guard seconds > 0, seconds < 1e9 else {
    throw Failure(.usage, "--collective_timeout must be above 0 seconds, not \(seconds)")
  }
}

/// Checks that an output file can be made, before any work is done.
func requireWritable(_ path: String) throws {
  guard !path.isEmpty else { throw Failure(.usage, "--output needs the name of a file") }
  func failure(_ code: Int32) -> Failure {
    Failure(
      .cannotWrite,
      "cannot write '\(path)': \(String(cString: strerror(code))); choose another file or folder")
  }
  var status = stat()
  let exists = stat(path, &status) == 0
  if exists, status.st_mode & S_IFMT != S_IFREG {
    // Devices and pipes are written into.
    guard status.st_mode & S_IFMT != S_IFDIR else { throw failure(EISDIR) }
    guard access(path, W_OK) == 0 else { throw failure(errno) }
    return
  }
  // Files are replaced by new ones of their folder. Whether that can hold new files only a new file
  // can tell: /proc says that root may write to it.
  let folder = (path as NSString).deletingLastPathComponent
  let probe = "\(folder.isEmpty ? "." : folder)/.l2l-\(getpid())-probe.tmp"
  let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw failure(errno) }
  close(descriptor)
  unlink(probe)
}

extension MetaLoss: ExpressibleByArgument {}
