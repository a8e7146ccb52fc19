import Catalogs
import Datasets
internal import Essentials
import Files
import LearnedOptimizers
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Processes
import Settings
import Tensors
import Unrolling

/// Options that choose a problem.
struct ProblemChoice: Configurable {
  var name: String?
  var options: [String: String] = [:]
  var netOptions: [String: String] = [:]
  var dataDirectory: String?

  private var names: ProblemNames? {
    get { name.map { ProblemNames($0) } }
    set { name = newValue?.text }
  }

  static let settings: [Setting<ProblemChoice>] = [
    Setting(
      "problem", \.names, effect: .run, placeholder: "NAME",
      default: "the saved optimizer's, or simple",
      "the problem; `l2l list` names all; repeatable"),
    Setting("problem_option", \.options, effect: .run, "an option of the problem; repeatable"),
    Setting(
      "net_option", \.netOptions, effect: .run,
      "an option of the default nets; KEY.NAME for one of several; repeatable"),
    .dataDirectory(\.dataDirectory),
  ]
}

extension Setting {
  /// Where data sets lie.
  static func dataDirectory(_ path: any WritableKeyPath<Owner, String?> & Sendable) -> Setting {
    Setting(
      "data_dir", path, effect: .run, placeholder: "FOLDER",
      default: "$L2L_DATA_DIR, ./data, or the embedded subset",
      "where data sets lie; 'synthetic' for drawn images")
  }

  /// How long a collective may take.
  static func collectiveTimeout(_ path: any WritableKeyPath<Owner, Double> & Sendable) -> Setting {
    Setting(
      "collective_timeout", path, in: .above(0, below: 1e9), effect: .run, placeholder: "SECONDS",
      "seconds until a rank that does not answer counts as hung")
  }
}

/// The problem's data as the command line gives it.
func makeProblem(
  _ entry: ProblemEntry, options: [String: String], split: DatasetSplit, directory: String?,
  fixedBatch: ImageBatch? = nil, announcing: Bool = true
) throws -> BuiltProblem {
  let built = try entry.make(
    options: options,
    data: ProblemData(split: split, directory: directory, fixedBatch: fixedBatch))
  // Tells the user when other images stand in for a data set.
  if announcing { for notice in built.notices { StandardError.notice(notice) } }
  return built
}

extension BuiltProblem {
  /// What optimizees are dealt from, under the problem's name.
  func tasks(named name: String) -> [TaskAssignment] {
    let isOne = ProblemNames(name).names.count == 1
    return tasks.map { task in
      let whole = task.name.map { isOne ? "\(name)/\($0)" : $0 }
      return TaskAssignment(whole ?? name, task.family)
    }
  }
}

/// The reference's three lines.
func printSummary(_ header: String, mean: Double, time: Double, unit: String = "epoch") {
  StandardOutput.write(header)
  StandardOutput.write("Log Mean Final Error: \(String(format: "%.2f", log10(mean)))")
  StandardOutput.write("Mean \(unit) time: \(String(format: "%.2f", time)) s")
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

/// Checks, before any work is done, that an output file can be made and destroys nothing.
func requireOutput(_ path: String, inputs: [String?]) throws {
  guard !path.isEmpty else { throw Failure(.usage, "--output needs the name of a file") }
  try OutputFile.check(path, inputs: inputs.compactMap(\.self))
}

/// What every rank must have the same of besides options: program and arithmetic.
func sameProgram() -> [(name: String, hash: UInt64)] {
  [
    ("program version", ContentHash(programVersion).value),
    ("arithmetic kernels", ContentHash(LinearAlgebra.kernels).value),
  ]
}

/// Lets OpenBLAS take its work space, or says that it can't have it.
///
/// Without it OpenBLAS would ask again and again, for ever.
func takeWorkSpace() throws {
  guard MemoryLimit.addressSpace != nil else { return }
  // What a small problem takes besides. An allocation that fails later ends the program without a word.
  let bytes = LinearAlgebra.workSpace + (64 << 20)
  guard MemoryLimit.canMap(bytes) else {
    throw OutOfMemory(bytes: bytes, purpose: "OpenBLAS's work space and a small problem")
  }
  LinearAlgebra.takeWorkSpace()
}
