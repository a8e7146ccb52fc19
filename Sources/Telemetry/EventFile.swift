internal import Foundation
public import MetaTraining

/// Writes a training's course for TensorBoard: a `TrainingObserver` with an event file.
///
/// Tags, with the epoch as step: `loss/train`, `loss/evaluation`, `meta_loss`, `meta_gradient_norm`,
/// `weight_norm`, `diverged/train`, `diverged/evaluation`, `throughput/epochs_per_second`,
/// `throughput/steps_per_second`, `wait/rank_<n>`, and the histograms `updates/<net>`.
///
/// A training that goes on opens a new file beside the old ones. Its first events tell TensorBoard to
/// drop what an interrupted run has written beyond the epoch that it goes on from.
public final class EventFile: TrainingObserver {
  private let file: LogFile
  private let stepsPerEpoch: Int
  private let madeFolder: Bool
  private var described: Set<String> = []

  /// Opens a new file in a folder, which is made when it does not exist.
  ///
  /// The name is `events.out.tfevents.<seconds since 1970>.<host>.l2l`: TensorBoard reads the files of
  /// a folder in the order of their names, so the time is always later than that of the others,
  /// whatever the host's clock says.
  ///
  /// - Parameters:
  ///   - epoch: epochs completed; nil for a new training, whose folder must have no event files yet.
  ///   - stepsPerEpoch: steps that all optimizees together take in an epoch.
  ///   - onFailure: told the first failure to write later on; called on another thread.
  /// - Throws: `TelemetryError`; the folder is then as it was.
  public init(
    in folder: String, resumingAfter epoch: Int?, stepsPerEpoch: Int,
    onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) {
    self.stepsPerEpoch = stepsPerEpoch
    madeFolder = mkdir(folder, 0o777) == 0
    guard madeFolder || errno == EEXIST else {
      throw .cannotWrite(path: folder, call: "mkdir", code: errno)
    }
    do throws(TelemetryError) {
      let latest = try Self.latest(in: folder)
      if epoch == nil, let latest { throw .folderInUse(path: folder, file: latest.name) }
      let now = Date().timeIntervalSince1970
      file = try Self.open(in: folder, from: max(Int(now), (latest?.time ?? 0) + 1), onFailure)
      file.append(Event.fileVersion(time: now).record)
      file.append(Event.start(time: now, step: epoch.map { $0 + 1 } ?? 0).record)
    } catch {
      if madeFolder { rmdir(folder) }
      throw error
    }
    do throws(TelemetryError) {
      try file.flush()
    } catch {
      discard()
      throw error
    }
  }

  private static let prefix = "events.out.tfevents."

  /// The event file that was opened last.
  private static func latest(in folder: String) throws(TelemetryError) -> (name: String, time: Int)?
  {
    guard let stream = opendir(folder) else {
      throw .cannotWrite(path: folder, call: "opendir", code: errno)
    }
    closedir(stream)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix(prefix) }.map { name in
      (name: name, time: Int(name.dropFirst(prefix.count).prefix { $0.isNumber }) ?? 0)
    }.max { ($0.time, $0.name) < ($1.time, $1.name) }
  }

  private static func open(
    in folder: String, from time: Int, _ onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) -> LogFile {
    let host = ProcessInfo.processInfo.hostName.replacing("/", with: "-")
    var time = time
    while true {
      do throws(TelemetryError) {
        return try LogFile(
          "\(folder)/\(prefix)\(time).\(host).l2l", isNew: true, onFailure: onFailure)
      } catch .cannotWrite(_, _, EEXIST) {
        time += 1
      }
    }
  }

  /// Removes the file, and the folder if it was made for it: for a training that does not start.
  public func discard() {
    unlink(file.path)
    if madeFolder { rmdir((file.path as NSString).deletingLastPathComponent) }
  }

  /// Waits until all events are in the file.
  ///
  /// - Throws: `TelemetryError.cannotWrite`.
  public func flush() throws(TelemetryError) { try file.flush() }

  // MARK: - TrainingObserver

  /// Writes nothing.
  public func epochEnded(_ epoch: Int, of count: Int) {}
  /// Writes nothing: divergences are counted.
  public func diverged(_ divergence: Divergence) {}

  /// Writes the period's numbers as one record.
  public func logPeriodEnded(_ summary: PeriodSummary) {
    var event = Event(time: Date().timeIntervalSince1970, step: summary.epoch)
    func add(_ tag: String, _ value: Double?, _ description: String) {
      guard let value else { return }
      event.add(tag, value, description: isNew(tag) ? description : nil)
    }
    add("loss/train", summary.meanCost, "Mean loss at the end of an epoch.")
    add(
      "meta_loss", summary.metaSteps.meanMetaLoss,
      "Sum of the losses of an unroll, mean over unrolls and optimizees.")
    add(
      "meta_gradient_norm", summary.metaSteps.meanGradientNorm,
      "Euclidean norm of the meta-gradient of all nets, mean over meta-steps.")
    add("weight_norm", summary.weightNorm, "Euclidean norm of the weights of all nets.")
    add(
      "diverged/train", Double(summary.diverged),
      "Optimizees of the log period that were left out because something was not finite.")
    if summary.meanTime > 0 {
      let rate = 1 / summary.meanTime
      add("throughput/epochs_per_second", rate, "Epochs a second of training.")
      add(
        "throughput/steps_per_second", rate * Double(stepsPerEpoch),
        "Optimizee steps a second of training, all ranks together.")
    }
    for timing in summary.timings {
      add(
        "wait/rank_\(timing.rank)", timing.wait,
        "Seconds of the log period in which rank \(timing.rank)"
          + "\(timing.host.isEmpty ? "" : " on \(timing.host)") waited for the slowest rank.")
    }
    file.append(event.record)
  }

  /// Writes the evaluation's numbers and histograms as one record.
  public func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    var event = Event(time: Date().timeIntervalSince1970, step: summary.epoch)
    event.add(
      "loss/evaluation", summary.meanCost,
      description: isNew("loss/evaluation")
        ? "Mean loss at the end of an epoch with fixed weights on fixed optimizees." : nil)
    event.add(
      "diverged/evaluation", Double(summary.diverged),
      description: isNew("diverged/evaluation")
        ? "Optimizees of the evaluation in which something was not finite." : nil)
    for (net, histogram) in summary.updates where histogram.count > 0 {
      event.add(
        "updates/\(net)", histogram,
        description: isNew("updates/\(net)")
          ? "What the net \(net) added to the optimizees' parameters in the evaluation." : nil)
    }
    file.append(event.record)
  }

  private func isNew(_ tag: String) -> Bool { described.insert(tag).inserted }
}
