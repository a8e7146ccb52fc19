internal import Foundation
public import MetaTraining
internal import Safetensors

/// A training's course as a table: a `TrainingObserver` with a CSV file.
///
/// One row a log period and one an evaluation; README.md says what the columns are. When a training
/// goes on, rows beyond the saved state are cut off first, so that no epoch stands in the table twice
/// or is missing: apart from times, the table is that of an undisturbed run.
public final class MetricsFile: TrainingObserver {
  /// The file's name.
  public static let name = "metrics.csv"
  /// The names of the columns.
  public static let header = """
    epoch,kind,loss,meta_loss,meta_gradient_norm,weight_norm,best,diverged,optimizees,time,\
    epoch_seconds,steps_per_second,wait_seconds
    """
  private let file: LogFile
  private let stepsPerEpoch: Int

  /// Opens the table of a training's folder.
  ///
  /// - Parameters:
  ///   - folder: has no table, or one to go on with, or is missing rows of a program that wrote none.
  ///   - epoch: epochs completed.
  ///   - evaluationIsDue: whether the evaluation after this epoch is still to come.
  ///   - stepsPerEpoch: steps that all optimizees together take in an epoch.
  ///   - onFailure: told the first failure to write later on; called on another thread.
  /// - Throws: `TelemetryError`; the table is then as it was.
  public init(
    in folder: String, epoch: Int, evaluationIsDue: Bool, stepsPerEpoch: Int,
    onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) {
    self.stepsPerEpoch = stepsPerEpoch
    let path = "\(folder)/\(Self.name)"
    let old = try Self.contents(path)
    let kept = try Self.kept(
      old ?? "", path: path, epoch: epoch, evaluationIsDue: evaluationIsDue)
    if kept != old {
      do throws(SafetensorsError) {
        try AtomicFile.write(kept, to: path)
      } catch .cannotWrite(_, let call, let code) {
        throw .cannotWrite(path: path, call: call, code: code)
      } catch {
        throw .cannotWrite(path: path, call: "write", code: EIO)
      }
    }
    file = try LogFile(path, isNew: false, onFailure: onFailure)
  }

  private static func contents(_ path: String) throws(TelemetryError) -> String? {
    guard access(path, F_OK) == 0 else { return nil }
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      return String(decoding: data, as: UTF8.self)
    } catch {
      throw .cannotRead(path: path, code: access(path, R_OK) == 0 ? EIO : errno)
    }
  }

  /// The header and the rows up to an epoch; a last line that a crash has torn goes.
  private static func kept(
    _ text: String, path: String, epoch: Int, evaluationIsDue: Bool
  ) throws(TelemetryError) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard let first = lines.first else { return header + "\n" }
    guard first == header else { throw .malformedMetrics(path: path, line: 1) }
    var kept = [first]
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == header.split(separator: ",").count, let row = Int(fields[0]),
        let kind = Kind(rawValue: String(fields[1]))
      else { throw .malformedMetrics(path: path, line: index + 1) }
      let isNext = row == epoch && kind == .evaluation && evaluationIsDue
      if row <= epoch && !isNext { kept.append(line) }
    }
    return kept.joined(separator: "\n") + "\n"
  }

  private enum Kind: String {
    case train
    case evaluation
  }

  /// Waits until all rows are in the file and on the disk.
  ///
  /// - Throws: `TelemetryError.cannotWrite`.
  public func flush() throws(TelemetryError) { try file.flush() }

  /// What appends to the file, to wait for from other threads.
  public var log: LogFile { file }

  // MARK: - TrainingObserver

  /// Writes nothing.
  public func epochEnded(_ epoch: Int, of count: Int) {}
  /// Writes nothing: divergences are counted.
  public func diverged(_ divergence: Divergence) {}

  /// Writes a row of kind `train`.
  public func logPeriodEnded(_ summary: PeriodSummary) { append(.train, summary, best: "") }

  /// Writes a row of kind `evaluation`.
  public func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    append(.evaluation, summary, best: isBest ? "1" : "0")
  }

  private func append(_ kind: Kind, _ summary: PeriodSummary, best: String) {
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    let rate = summary.meanTime > 0 ? 1 / summary.meanTime : nil
    let fields = [
      "\(summary.epoch)", kind.rawValue, text(summary.meanCost),
      text(summary.metaSteps.meanMetaLoss), text(summary.metaSteps.meanGradientNorm),
      text(summary.weightNorm), best, "\(summary.diverged)", "\(summary.optimizees)",
      String(format: "%.3f", Date().timeIntervalSince1970), text(summary.meanTime),
      text(kind == .train ? rate.map { $0 * Double(stepsPerEpoch) } : nil),
      summary.timings.map { String(format: "%.6f", $0.wait) }.joined(separator: " "),
    ]
    file.append(Array((fields.joined(separator: ",") + "\n").utf8))
  }
}
