import Catalogs
import Checkpoints
import Datasets
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Processes
import Safetensors
import Settings
import Telemetry
import Unrolling

/// An error as the user sees it: one line and an exit code.
struct Failure: Error {
  /// The program's exit codes (sysexits.h).
  enum Code: Int32 {
    case usage = 64
    case badData = 65
    case missing = 66
    case software = 70
    case cannotWrite = 73
    /// Stopped, with the state saved.
    case stopped = 75
    /// Stopped with nothing newly saved: by a peer, by the launcher, or where nothing is kept.
    case interrupted = 76
  }

  let code: Code
  let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// What `body` throws because of the contents of a file, which is bad data and not wrong usage.
  static func inFile<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      let failure = Failure(describing: (error as? SafetensorsError)?.named(path) ?? error)
      var isAboutFile =
        failure.code == .usage || error is TrainingStateError || error is OptimizerError
        || error is CheckpointError
      if case SafetensorsError.notConvertible = error { isAboutFile = true }
      throw isAboutFile
        ? Failure(.badData, "'\(path)' can't be used: \(failure.message)") : failure
    }
  }

  /// The sentence for an error's facts: all of them are here.
  init(describing error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as SettingError: self.init(.usage, error.description)
    case let error as ProblemError: self.init(.usage, Self.sentence(error))
    case let error as ProblemFault:
      self.init(.badData, "problem \(error.problem): \(error.reason)")
    case let error as OptimizerError: self = Self.failure(error)
    case let error as ExperimentError: self.init(.usage, Self.sentence(error))
    case let error as TrainingError: self.init(.badData, Self.sentence(error))
    case let error as TrainingStateError: self.init(.badData, Self.sentence(error))
    case let error as TelemetryError: self.init(Self.code(error), Self.sentence(error))
    case let error as Disagreement: self.init(.software, Self.sentence(error))
    case let error as Launch.Fault: self.init(.software, Self.sentence(error))
    case let error as DatasetError: self.init(Self.code(error), error.description)
    case let error as SafetensorsError: self.init(Self.code(error), Self.sentence(error))
    case let error as FileError: self.init(Self.code(error), Self.sentence(error))
    case let error as CheckpointError: self.init(Self.code(error), error.description)
    case let error as OutOfMemory: self.init(.software, error.description)
    default:
      // A peer that is gone or hangs: what was saved is good, and the run can be resumed from there.
      self =
        Launch.sentence(error).map {
          Failure(Launch.timeoutPosition(error) == nil ? .software : .interrupted, $0)
        }
        ?? Failure(.software, "\(error); please report this")
    }
  }

  private static func sentence(_ error: ProblemError) -> String {
    switch error {
    case .unknownProblem(let name, let valid):
      return "there is no problem '\(name)'\(suggestion(name, valid))"
    case .wrongNumberOfWeights(let problems, let weights):
      return "an ensemble of \(problems) problems needs as many weights, not \(weights)"
    case .invalidBatch(let reason):
      return "the minibatch can't be used: \(reason)"
    }
  }

  private static func failure(_ error: OptimizerError) -> Failure {
    switch error {
    case .unknownNet(let name, let valid):
      return Failure(.badData, "there is no net '\(name)'\(suggestion(name, valid))")
    case .option(let error): return Failure(.usage, error.description)
    case .missingWeight(let name, let found):
      return Failure(
        .badData,
        "there are no weights '\(name)', "
          + (found.isEmpty ? "none at all" : "only \(found.joined(separator: ", "))"))
    case .wrongWeightShape(let name, let found, let expected):
      return Failure(
        .badData, "weights '\(name)' have shape \(found), but the net's options ask for \(expected)"
      )
    case .unexpectedWeight(let name, let expected):
      return Failure(
        .badData,
        "the net has no weights '\(name)', "
          + (expected.isEmpty ? "none at all" : "only \(expected.joined(separator: ", "))"))
    case .weightNotFinite(let name):
      return Failure(
        .badData,
        "weights '\(name)' hold NaN or infinity: take the file of another training or epoch")
    case .unknownFormat, .unfitTensor, .unfitShape, .unfitState, .wrongGradientCount, .notFinite:
      return Failure(.badData, "\(error)")
    }
  }

  private static func sentence(_ error: ExperimentError) -> String {
    switch error {
    case .unknownVariables(let net, let names, let valid):
      return "net \(net) is assigned to \(list(names)), but the problem's parameters are "
        + list(valid)
    case .doublyAssigned(let names, let nets):
      return "\(list(names)) would be stepped by each of the nets \(list(nets)): assign each"
        + " parameter to one net"
    case .duplicateKey(let key):
      return "two nets have the key '\(key)'"
    case .unfitParameter(let net, let parameter, let shape, let expected):
      return "net \(net) can't step '\(parameter)' of shape \(shape): it needs \(expected)"
    case .tooLarge(let net, let parameters, let numbers):
      return "the problem has \(parameters) parameters"
        + (net.map { ", for which the state of net \($0) has \(numbers) numbers" } ?? "")
        + ": no tensor has over \(Int32.max) numbers; choose a smaller problem by --problem_option"
    }
  }

  private static func sentence(_ error: TrainingError) -> String {
    switch error {
    case .mostlyDiverged(let epoch, let diverged, let optimizees, let evaluating):
      return "training stopped at epoch \(epoch): \(diverged) of \(optimizees) optimizees diverged"
        + (evaluating ? " in the evaluation" : " since the last evaluation")
        + "; try a smaller --learning_rate, a shorter --unroll_length, --clip_mean_norm, with"
        + " evolution strategies a smaller --sigma, or a net with a smaller scale"
        + " (--net_option scale=0.01)"
    case .weightsNotFinite(let epoch):
      return
        "training stopped in epoch or meta-step \(epoch): its meta-gradient is too large for the"
        + " weights to stay finite; what was saved before is kept; try --clip_mean_norm=1, a smaller"
        + " --learning_rate, or with evolution strategies --loss_clip"
    }
  }

  private static func sentence(_ error: TrainingStateError) -> String {
    switch error {
    case .unknownFormat(let version):
      return version == nil || version == TrainingStateFile.formatVersion
        ? "it is no training state; give the folder of a training"
        : "the training state has format version \(version ?? ""), this program reads version"
          + " \(TrainingStateFile.formatVersion)"
    case .malformedMetadata(let key):
      return "the training state's metadata entry '\(key)' is missing or malformed"
    case .wrongOption(let error):
      return error.description
    case .malformed(let tensor, let expected):
      let what = expected.hasPrefix("[") ? "of shape \(expected)" : expected
      return "the training state's '\(tensor)' is missing or not \(what)"
    }
  }

  private static func code(_ error: TelemetryError) -> Code {
    switch error {
    case .file(let error): code(error)
    case .folderInUse: .cannotWrite
    case .malformedMetrics: .badData
    }
  }

  /// The sentence for an error of the files that a training is followed by.
  static func sentence(_ error: TelemetryError) -> String {
    switch error {
    case .file(let error): return sentence(error)
    case .malformedMetrics(let path, let line):
      return
        "'\(path)' has in line \(line) not what this program writes; move it away to go on with"
        + " a new one"
    case .folderInUse(let path, let file):
      return "'\(path)' has the events of another training already (\(file)); choose another"
        + " --log_dir"
    }
  }

  private static func sentence(_ error: Disagreement) -> String {
    (error.ranks.count == 1
      ? "rank \(error.ranks[0]) differs from rank 0 in its \(error.item);"
      : "ranks \(error.ranks.map(String.init).joined(separator: ", ")) differ from rank 0 in their"
        + " \(error.item);")
      + " start all ranks with the same program, options, data, and kind of CPU"
  }

  private static func sentence(_ error: Launch.Fault) -> String {
    switch error {
    case .srunWithoutMPI(let tasks):
      "srun started \(tasks) processes that can't find each other; use srun --mpi=pmix or mpirun"
    case .launcherMismatch(let text), .mpi(let text): text
    }
  }

  private static func code(_ error: DatasetError) -> Code {
    switch error {
    case .folderMissing, .filesMissing, .cifar10Missing, .setMissing, .cannotRead: .missing
    default: .badData
    }
  }

  private static func sentence(_ error: SafetensorsError) -> String {
    if case .file(let error) = error { return sentence(error) }
    return error.description
  }

  private static func code(_ error: SafetensorsError) -> Code {
    switch error {
    case .file(let error): code(error)
    default: .badData
    }
  }

  private static func sentence(_ error: FileError) -> String {
    if case .cannotRead = error { return "\(error); give a file that exists and can be read" }
    return error.description
  }

  private static func code(_ error: FileError) -> Code {
    switch error {
    case .cannotRead: .missing
    case .notARegularFile, .tooLarge: .badData
    case .cannotWrite, .exists, .claimed: .cannotWrite
    case .noName, .isInput, .notUTF8: .usage
    }
  }

  private static func code(_ error: CheckpointError) -> Code {
    if case .notWritable = error { .usage } else { .badData }
  }

  private static func list(_ names: [String]) -> String {
    names.map { "'\($0)'" }.joined(separator: ", ")
  }
}
