import Files
import MetaTraining
internal import Platform
import Telemetry

/// What a training is followed by besides its lines.
///
/// The table of metrics in `save_path`, and TensorBoard's events in `log_dir`; open on rank 0 only.
struct TrainingLogs {
  private var metrics: MetricsFile?
  private var events: EventFile?
  private var isNew = false
  /// What keeps other processes out of `save_path` while this value lives.
  var claim: FolderClaim?

  /// The rows of the table on their way to the disk.
  var rows: LogFile? { metrics?.log }

  var observers: [any TrainingObserver] {
    [metrics as (any TrainingObserver)?, events].compactMap(\.self)
  }

  /// Opens both, before there is any training that could go on without them.
  ///
  /// - Parameter isNew: whether the training starts now.
  /// - Throws: `TelemetryError`; call `discard` then.
  mutating func open(
    savePath: String?, logDirectory: String?, state: TrainingState, options: TrainingOptions,
    isNew: Bool
  ) throws {
    self.isNew = isNew
    let steps = options.optimizees * options.unrollCount * options.unrollLength
    if let logDirectory {
      events = try EventFile(
        in: logDirectory, resumingAfter: isNew ? nil : state.epoch, stepsPerEpoch: steps,
        onFailure: Self.warn)
    }
    if let savePath {
      metrics = try MetricsFile(
        in: savePath, epoch: state.epoch, isUnevaluated: state.isUnevaluated,
        stepsPerEpoch: steps, onFailure: Self.warn)
    }
  }

  private static let warn: @Sendable (TelemetryError) -> Void = { error in
    StandardError.notice(
      "warning: \(Failure.sentence(error)); training goes on, and what is missing is written once"
        + " there is room")
  }

  /// Removes what was opened for a training that does not start.
  func discard() {
    events?.discard()
    if isNew, let metrics { unlink(metrics.log.path) }
  }

  /// Waits until all is written.
  ///
  /// Events that can't be are warned of: the training's results are elsewhere.
  ///
  /// - Throws: the `TelemetryError` of rows that can't be written.
  func flush() throws {
    do {
      try events?.flush()
    } catch {
      StandardError.notice("warning: \(Failure.sentence(error)); the last events are lost")
    }
    try metrics?.flush()
  }
}
