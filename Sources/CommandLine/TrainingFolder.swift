import Files
import LearnedOptimizers
import MetaTraining
internal import Platform
import Safetensors
import Settings
import Synchronization
import Telemetry
import Tensors
import Unrolling

/// A training's `save_path`: one file a net for the best optimizer, one for the training state.
///
/// `@unchecked Sendable`: what changes is behind a lock.
final class TrainingFolder: TrainingStore, @unchecked Sendable {
  static let stateName = "latest.training-state.safetensors"

  let path: String
  private let experiment: Experiment
  private let options: TrainingOptions
  private let metadata: [String: String]
  /// The rows that must be on the disk before a state of a later epoch is.
  private let rows: LogFile?

  init(
    path: String, experiment: Experiment, options: TrainingOptions, metadata: [String: String],
    rows: LogFile? = nil
  ) {
    self.rows = rows
    self.path = path
    self.experiment = experiment
    self.options = options
    self.metadata = metadata
  }

  static func statePath(in folder: String) -> String { "\(folder)/\(stateName)" }

  /// What is in a folder: what a start makes before there is a state counts as nothing.
  ///
  /// - Throws: `FileError` for what is no folder, or can't be looked into.
  static func state(of path: String) throws -> FolderState {
    try FolderState(
      of: path, resumeFile: stateName,
      startFiles: [MetricsFile.name: MetricsFile.header.utf8.count + 1])
  }

  // MARK: - Writing in the background
  //
  // Training goes on while files are written: a slow disk must not stop the other ranks. Of several
  // states that wait, only the newest is written.

  private struct Waiting {
    var files: [(path: String, file: SafetensorsFile)] = []
    /// Of each file the newest content that could not be written.
    var failed: [String: (file: SafetensorsFile, error: SafetensorsError)] = [:]
  }

  private let waiting = Mutex(Waiting())
  private let queue = BackgroundQueue()

  private func enqueue(_ file: SafetensorsFile, as name: String) {
    let path = "\(self.path)/\(name)"
    waiting.withLock { waiting in
      waiting.files.removeAll { $0.path == path }
      waiting.files.append((path, file))
    }
    queue.async { self.writeNext() }
    // What is made while it is written must not change meanwhile.
    if file.isMade { queue.drain() }
  }

  private func writeNext() {
    let next = waiting.withLock { $0.files.isEmpty ? nil : $0.files.removeFirst() }
    guard let next else { return }
    // A row that can't be written was told of, and must not keep the state from being saved.
    if next.path == Self.statePath(in: path) { try? rows?.flush() }
    do throws(SafetensorsError) {
      try next.file.write(to: next.path)
      waiting.withLock { $0.failed[next.path] = nil }
    } catch {
      waiting.withLock { $0.failed[next.path] = (next.file, error) }
      StandardError.notice("warning: \(error); the last good file is kept and training goes on")
    }
  }

  /// Waits until all is written; what could not be written before is tried once more.
  ///
  /// - Throws: the `SafetensorsError` of a file that still can't be written.
  func flush() throws {
    queue.drain()
    let failed = waiting.withLock { waiting in
      defer { waiting.failed = [:] }
      return waiting.failed
    }
    for (path, content) in failed.sorted(by: { $0.key < $1.key }) {
      try content.file.write(to: path)
    }
  }

  // MARK: - Results

  func saveBest(_ state: TrainingState, evaluation: Double) throws {
    try saveNets(state, evaluation: "\(evaluation)")
  }

  /// Saves the nets as they are, for a training that ended before its first evaluation.
  func saveNets(_ state: TrainingState, evaluation: String) throws {
    for (net, weights) in zip(experiment.nets, state.evaluatedWeights) where weights.count > 0 {
      let saved = TrainedOptimizer(
        net.optimizer, weights: weights,
        metadata: metadata.merging([
          "format_version": "1", "key": net.key, "problem": options.problem,
          "epoch": "\(state.epoch)", "evaluation": evaluation, "seed": "\(options.seed)",
          "curve": JSONValue.array(
            Self.thinned(state.curve).map {
              .array([
                .number(Double($0.epoch)),
                $0.meanFinalLoss.isFinite ? .number($0.meanFinalLoss) : .null,
              ])
            }
          ).text, "training_options": options.fingerprint,
        ]) { $1 })
      enqueue(saved.file, as: "\(net.key).safetensors")
    }
  }

  /// At most 2,000 of the evaluations, the best and the last among them: headers have a limit.
  static func thinned(_ curve: [EvaluationPoint]) -> [EvaluationPoint] {
    let most = 2000
    guard curve.count > most else { return curve }
    let best = curve.indices.min { curve[$0].meanFinalLoss < curve[$1].meanFinalLoss }
    let even = (0..<most - 1).map { $0 * curve.count / (most - 1) }
    return Set(even.dropLast() + [best ?? 0, curve.count - 1]).sorted().map { curve[$0] }
  }

  func saveState(_ state: TrainingState) throws { enqueue(contents(state), as: Self.stateName) }

  /// Saves the state at once, before there is any training that could go on without it.
  func saveInitialState(_ state: TrainingState) throws {
    try contents(state).write(to: Self.statePath(in: path))
  }

  private func contents(_ state: TrainingState) -> SafetensorsFile {
    TrainingStateFile.contents(
      state, options: options, experiment: experiment, metadata: metadata)
  }
}
