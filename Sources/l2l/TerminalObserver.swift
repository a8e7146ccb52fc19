import Foundation
import MetaTraining

/// Prints a training's lines and, on a terminal, a progress bar.
final class TerminalObserver: TrainingObserver {
  private var bar = ProgressBar()
  private let tellsTimings: Bool

  /// - Parameter tellsTimings: whether each rank's times are told.
  init(tellsTimings: Bool) { self.tellsTimings = tellsTimings }

  func epochEnded(_ epoch: Int, of count: Int) { bar.show(epoch, of: count) }

  func logPeriodEnded(_ summary: PeriodSummary) {
    bar.clear()
    printSummary("Epoch \(summary.epoch)", mean: summary.meanCost, time: summary.meanTime)
    if summary.diverged > 0 {
      StandardError.notice(
        "\(summary.diverged) of \(summary.optimizees) optimizees diverged and were left out")
    }
    if tellsTimings { tell(summary.timings) }
  }

  func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    bar.clear()
    printSummary("EVALUATION", mean: summary.meanCost, time: summary.meanTime)
    if summary.diverged > 0 {
      StandardError.notice(
        "\(summary.diverged) of \(summary.optimizees) optimizees of the evaluation diverged")
    }
  }

  private func tell(_ timings: [RankTiming]) {
    func text(_ seconds: Double) -> String { String(format: "%.2f", seconds) }
    for timing in timings {
      StandardError.notice(
        "rank \(timing.rank)\(timing.host.isEmpty ? "" : " on \(timing.host)"):"
          + " compute \(text(timing.compute)) s, wait \(text(timing.wait)) s,"
          + " reduce \(text(timing.reduce)) s")
    }
  }

  func diverged(_ divergence: Divergence) {
    bar.clear()
    StandardError.notice(sentence(divergence))
  }

  func clear() { bar.clear() }
}

/// A line of progress on standard error, if that is a terminal.
struct ProgressBar {
  private let start = Date()
  private var lastShown = Date.distantPast
  private var first: Int?
  private var isShown = false

  mutating func show(_ done: Int, of count: Int) {
    guard StandardError.isTerminal else { return }
    let now = Date()
    if first == nil { first = done - 1 }
    guard now.timeIntervalSince(lastShown) > 0.2 || done == count else { return }
    lastShown = now
    let elapsed = now.timeIntervalSince(start)
    let rate = Double(done - (first ?? 0)) / max(elapsed, 1e-9)
    let left = Int(Double(count - done) / max(rate, 1e-9))
    let width = 30
    let filled = count > 0 ? width * done / count : width
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
    let clock = String(format: "%d:%02d:%02d", left / 3600, left / 60 % 60, left % 60)
    StandardError.put(
      "\r\u{1B}[K[\(bar)] \(done)/\(count)  \(String(format: "%.2f", rate)) epochs/s  \(clock) left"
    )
    isShown = true
  }

  mutating func clear() {
    if isShown { StandardError.put("\r\u{1B}[K") }
    isShown = false
  }
}
