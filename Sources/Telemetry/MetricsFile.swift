internal import Essentials
package import Files
package import MetaTraining
internal import Platform
package import Unrolling

/// A training's course as a table: a `TrainingObserver` with a CSV file.
///
/// One row a log period and one an evaluation; README.md says what the columns are. When a training
/// goes on, rows beyond the saved state are cut off first, so that no epoch stands in the table twice
/// or is missing: apart from times, the table is that of an undisturbed run.
package final class MetricsFile: TrainingObserver {
  /// The file's name.
  package static let name = "metrics.csv"
  /// The names of the columns.
  package static let header = """
    epoch,kind,loss,meta_loss,meta_gradient_norm,weight_norm,best,diverged,optimizees,time,\
    epoch_seconds,steps_per_second,wait_seconds,signal_to_noise,gradient_cosine,windows,dropped
    """
  private let file: LogFile
  private let stepsPerEpoch: Int

  /// Opens the table of a training's folder.
  ///
  /// - Parameters:
  ///   - folder: has no table, or one to go on with, or is missing rows of a program that wrote none.
  ///   - epoch: epochs completed.
  ///   - isUnevaluated: whether an evaluation after this epoch is still to come, so that its row, if there
  ///     is one, is of a run that was killed before its state was saved.
  ///   - stepsPerEpoch: steps that all optimizees together take in an epoch.
  ///   - onFailure: told the first failure to write later on; called on another thread.
  /// - Throws: `TelemetryError`; the table is then as it was.
  package init(
    in folder: String, epoch: Int, isUnevaluated: Bool, stepsPerEpoch: Int,
    onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) {
    self.stepsPerEpoch = stepsPerEpoch
    let path = "\(folder)/\(Self.name)"
    let old = try inFile { () throws(FileError) in try Self.contents(path) }
    let kept = try Self.kept(
      old ?? [], path: path, epoch: epoch, isUnevaluated: isUnevaluated)
    file = try inFile { () throws(FileError) in
      if kept != old { try AtomicFile.write(kept, to: path) }
      return try LogFile(path, isNew: false) { onFailure(.file($0)) }
    }
  }

  private static func contents(_ path: String) throws(FileError) -> [UInt8]? {
    do throws(FileError) {
      return try FileReader(path: path, limit: 1 << 31).bytes()
    } catch .cannotRead(_, _, ENOENT) {
      return nil
    }
  }

  /// The header and the rows up to an epoch, each behind a line feed; a last line that a crash has
  /// torn goes.
  ///
  /// An editor may have left a byte-order mark, CR LF, or no line end behind the last row: what it
  /// holds is the same. Bytes, since Swift takes CR LF as one character, which is no line feed.
  private static func kept(
    _ bytes: [UInt8], path: String, epoch: Int, isUnevaluated: Bool
  ) throws(TelemetryError) -> [UInt8] {
    let header = Array(Self.header.utf8)
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    var rest = bytes[...]
    if rest.starts(with: mark) { rest = rest.dropFirst(mark.count) }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count + 1)
    var number = 0
    while !rest.isEmpty {
      number += 1
      let end = rest.firstIndex(of: UInt8(ascii: "\n"))
      var line = rest[..<(end ?? rest.endIndex)]
      rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      let isTorn = end == nil
      if number == 1 {
        if isTorn, header.starts(with: line) { break }
        guard line.elementsEqual(header) else { throw .malformedMetrics(path: path, line: 1) }
        kept += line + [UInt8(ascii: "\n")]
        continue
      }
      guard let row = Row(line) else {
        if isTorn { break }
        throw .malformedMetrics(path: path, line: number)
      }
      let isNext = row.epoch == epoch && row.kind == .evaluation && isUnevaluated
      if row.epoch <= epoch && !isNext { kept += line + [UInt8(ascii: "\n")] }
    }
    return kept.isEmpty ? header + [UInt8(ascii: "\n")] : kept
  }

  /// What a row says of its place.
  private struct Row {
    let epoch: Int
    let kind: Kind

    /// Reads a line without its end; nil unless it has all fields.
    init?(_ line: ArraySlice<UInt8>) {
      let comma = UInt8(ascii: ",")
      guard line.count(where: { $0 == comma }) == MetricsFile.columnCount - 1 else { return nil }
      let fields = line.split(separator: comma, maxSplits: 2, omittingEmptySubsequences: false)
      guard let epoch = Int(String(decoding: fields[0], as: UTF8.self)), epoch >= 0,
        let kind = Kind(rawValue: String(decoding: fields[1], as: UTF8.self))
      else { return nil }
      self.epoch = epoch
      self.kind = kind
    }
  }

  private static let columnCount = header.utf8.count { $0 == UInt8(ascii: ",") } + 1

  private enum Kind: String {
    case train
    case evaluation
  }

  /// Waits until all rows are in the file and on the disk.
  ///
  /// - Throws: `TelemetryError.file`.
  package func flush() throws(TelemetryError) {
    try inFile { () throws(FileError) in try file.flush() }
  }

  /// What appends to the file, to wait for from other threads.
  package var log: LogFile { file }

  // MARK: - TrainingObserver

  /// Writes nothing.
  package func epochEnded(_ epoch: Int, of count: Int) {}
  /// Writes nothing: divergences are counted.
  package func diverged(_ divergence: Divergence) {}

  /// Writes a row of kind `train`.
  package func logPeriodEnded(_ summary: PeriodSummary) { append(.train, summary, best: "") }

  /// Writes a row of kind `evaluation`.
  package func evaluated(_ summary: PeriodSummary, isBest: Bool) {
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
      text(
        kind == .evaluation
          ? nil
          : summary.countsEpochs
            ? rate.map { $0 * Double(stepsPerEpoch) } : summary.innerStepsPerSecond),
      summary.timings.map { String(format: "%.6f", $0.wait) }.joined(separator: " "),
      text(summary.gauge.signalToNoise), text(summary.gauge.cosine),
      kind == .train ? "\(summary.gauge.windows)" : "",
      kind == .train ? "\(summary.gauge.dropped)" : "",
    ]
    file.append(Array((fields.joined(separator: ",") + "\n").utf8))
  }
}
