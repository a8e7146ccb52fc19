internal import Essentials
internal import Files
package import MetaTraining
internal import Platform
package import Unrolling

/// Writes a training's course for TensorBoard: a `TrainingObserver` with an event file.
///
/// Tags, with the epoch as step: `loss/train`, `loss/evaluation`, `meta_loss`, `meta_gradient_norm`,
/// `weight_norm`, `diverged/train`, `diverged/evaluation`, `throughput/epochs_per_second`,
/// `throughput/steps_per_second`, `wait/rank_<n>`, and the histograms `updates/<net>`.
///
/// A training that goes on opens a new file beside the old ones. Its first events tell TensorBoard to
/// drop what an interrupted run has written beyond the epoch that it goes on from.
package final class EventFile: TrainingObserver {
  private let file: LogFile
  private let stepsPerEpoch: Int
  /// The epoch whose evaluation an interrupted run has told already; it may be repeated.
  private let toldEvaluation: Int?
  private let madeFolders: [String]
  private var described: Set<String> = []

  /// Opens a new file in a folder, which is made with its parents when it does not exist.
  ///
  /// The name is `events.out.tfevents.<seconds since 1970>.<host>.l2l`: TensorBoard reads the files of
  /// a folder in the order of their names, so the time is always later than that of the others,
  /// whatever the host's clock says.
  ///
  /// - Parameters:
  ///   - epoch: epochs completed; nil for a new training, whose folder must have no event files yet but
  ///     those of trainings that were killed before their first event.
  ///   - stepsPerEpoch: steps that all optimizees together take in an epoch.
  ///   - onFailure: told the first failure to write later on; called on another thread.
  /// - Throws: `TelemetryError`; the folder is then as it was.
  package init(
    in folder: String, resumingAfter epoch: Int?, stepsPerEpoch: Int,
    onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) {
    self.stepsPerEpoch = stepsPerEpoch
    let made = try inFile { () throws(FileError) in try Folder.make(folder) }
    madeFolders = made
    do throws(TelemetryError) {
      let others = try Self.others(in: folder)
      if epoch == nil, let other = others.filter({ !$0.isUnused(in: folder) }).max() {
        throw .folderInUse(path: folder, file: other.name)
      }
      toldEvaluation = epoch.flatMap { epoch in
        let files = others.sorted().map { "\(folder)/\($0.name)" }
        return EventReading.tellsEvaluation(after: epoch, in: files) ? epoch : nil
      }
      let now = Date().timeIntervalSince1970
      file = try Self.open(in: folder, from: max(Int(now), (others.max()?.time ?? 0) + 1)) {
        onFailure(.file($0))
      }
      file.append(Event.fileVersion(time: now).record)
      file.append(Event.start(time: now, step: epoch.map { $0 + 1 } ?? 0).record)
    } catch {
      Folder.remove(made)
      throw error
    }
    do throws(TelemetryError) {
      try flush()
    } catch {
      discard()
      throw error
    }
  }

  private static let prefix = "events.out.tfevents."

  /// An event file that is there already.
  private struct Other: Comparable {
    let name: String
    let time: Int

    static func < (a: Other, b: Other) -> Bool { (a.time, a.name) < (b.time, b.name) }

    /// Whether it has no more than every start writes, and nobody is at it: a training that was
    /// killed before its first event has left it.
    func isUnused(in folder: String) -> Bool {
      LogFile.isAbandoned("\(folder)/\(name)", atMost: EventFile.startSize)
    }
  }

  /// The most bytes of the two events of a start.
  private static let startSize = 160

  /// The event files of a folder.
  private static func others(in folder: String) throws(TelemetryError) -> [Other] {
    let names = try inFile { () throws(FileError) in
      try FolderListing.names(in: Path(folder))
    }
    return names.filter { $0.starts(with: prefix.utf8) }.map { name in
      let digits = name.dropFirst(prefix.utf8.count).prefix { (0x30...0x39).contains($0) }
      let time = Int(String(decoding: digits, as: UTF8.self)) ?? 0
      // Beyond the year 9999 it is no time, and one second later might be no number.
      return Other(
        name: String(decoding: name, as: UTF8.self), time: time < 253_402_300_800 ? time : 0)
    }
  }

  private static func open(
    in folder: String, from time: Int, _ onFailure: @escaping @Sendable (FileError) -> Void
  ) throws(TelemetryError) -> LogFile {
    let host = ProcessInfo.processInfo.hostName.replacing("/", with: "-")
    return try inFile { () throws(FileError) in
      var time = time
      while true {
        do throws(FileError) {
          return try LogFile(
            "\(folder)/\(prefix)\(time).\(host).l2l", isNew: true, onFailure: onFailure)
        } catch .cannotWrite(_, _, EEXIST) {
          time += 1
        }
      }
    }
  }

  /// Removes the file, and the folders that were made for it: for a training that does not start.
  package func discard() {
    unlink(file.path)
    Folder.remove(madeFolders)
  }

  /// Waits until all events are in the file.
  ///
  /// - Throws: `TelemetryError.file`.
  package func flush() throws(TelemetryError) {
    try inFile { () throws(FileError) in try file.flush() }
  }

  // MARK: - TrainingObserver

  /// Writes nothing.
  package func epochEnded(_ epoch: Int, of count: Int) {}
  /// Writes nothing: divergences are counted.
  package func diverged(_ divergence: Divergence) {}

  /// Writes the period's numbers as one record.
  package func logPeriodEnded(_ summary: PeriodSummary) {
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
    add(
      "gauge/signal_to_noise", summary.gauge.signalToNoise,
      "Squared length of the meta-gradient over its variance, mean over meta-steps.")
    add(
      "gauge/cosine", summary.gauge.cosine,
      "Cosine of the meta-gradients of even and odd particles, mean over meta-steps.")
    add(
      "gauge/dropped", summary.gauge.droppedShare,
      "Share of windows that were dropped because something was not finite.")
    add(
      "throughput/windows_per_second", summary.windowsPerSecond,
      "Windows a second, all ranks together.")
    if summary.meanTime > 0 {
      let rate = 1 / summary.meanTime
      let unit = summary.countsEpochs ? "epochs" : "meta_steps"
      add("throughput/\(unit)_per_second", rate, "Of training.")
      add(
        "throughput/steps_per_second",
        summary.countsEpochs ? rate * Double(stepsPerEpoch) : summary.innerStepsPerSecond,
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
  package func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    guard summary.epoch != toldEvaluation else { return }
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
