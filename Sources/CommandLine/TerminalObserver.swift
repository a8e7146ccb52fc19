internal import Essentials
import MetaTraining
internal import Platform
import Unrolling

/// Prints a training's lines and, on a terminal, a progress bar.
final class TerminalObserver: TrainingObserver {
  private var bar: ProgressBar
  private let tellsTimings: Bool

  /// - Parameter tellsTimings: whether each rank's times are told.
  init(tellsTimings: Bool, countsEpochs: Bool = true) {
    self.tellsTimings = tellsTimings
    bar = ProgressBar(unit: countsEpochs ? "epochs" : "meta-steps")
  }

  func epochEnded(_ epoch: Int, of count: Int) { bar.show(epoch, of: count) }

  func logPeriodEnded(_ summary: PeriodSummary) {
    bar.clear()
    let unit = summary.countsEpochs ? "Epoch" : "Meta-step"
    printSummary(
      "\(unit) \(summary.epoch)", mean: summary.meanCost, time: summary.meanTime,
      unit: unit.lowercased())
    if !summary.countsEpochs || tellsTimings { StandardError.notice(Self.words(summary)) }
    if summary.diverged > 0 {
      StandardError.notice(
        "\(summary.diverged) of \(summary.optimizees)"
          + " \(summary.countsEpochs ? "optimizees diverged and were left out" : "windows were dropped")"
      )
    }
    if tellsTimings { tell(summary.timings) }
  }

  func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    bar.clear()
    printSummary("EVALUATION", mean: summary.meanCost, time: summary.meanTime)
    for task in summary.tasks {
      StandardError.notice(
        "mean final loss of \(task.name): \(String(format: "%.4g", task.meanCost))")
    }
    if summary.diverged > 0 {
      StandardError.notice(
        "\(summary.diverged) of \(summary.optimizees) optimizees of the evaluation diverged")
    }
  }

  /// How far the period's meta-gradients can be trusted and how many there were.
  private static func words(_ summary: PeriodSummary) -> String {
    let gauge = summary.gauge
    func text(_ value: Double?, _ format: String) -> String {
      value.map { String(format: format, $0) } ?? "-"
    }
    return "signal to noise \(text(gauge.signalToNoise, "%.2g")), cosine of halves "
      + "\(text(gauge.cosine, "%.2f")), dropped \(text(gauge.droppedShare.map { $0 * 100 }, "%.2g%%")), "
      + "\(text(summary.windowsPerSecond, "%.3g")) windows/s, "
      + "\(text(summary.innerStepsPerSecond, "%.3g")) steps/s"
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
