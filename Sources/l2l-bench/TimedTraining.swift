import MetaTraining
import ProcessGroups
import Unrolling

/// A training that was timed after a first part to warm up.
struct TimedTraining {
  /// Seconds of the timed part.
  let time: Double
  private let timings: [RankTiming]

  /// Trains as the options say, untimed, then on to the options that `extend` makes of them.
  init(
    _ experiment: Experiment, _ options: TrainingOptions, on group: any ProcessGroup,
    extend: (inout TrainingOptions) -> Void
  ) throws {
    var options = options
    // No evaluation falls into what is timed, at the end neither.
    (options.evaluationPeriod, options.evaluationEpochs) = (Int.max, 0)
    let warmUp = MetaTrainer(
      experiment: experiment, options: options,
      state: MetaTrainer.initialState(of: experiment, options: options), group: group)
    _ = try warmUp.run()
    extend(&options)
    var settings = RunSettings()
    settings.reportsTimings = true
    let observer = TimingObserver()
    let trainer = MetaTrainer(
      experiment: experiment, options: options, state: warmUp.state, group: group,
      settings: settings, observer: observer)
    time = try seconds { _ = try trainer.run() }
    timings = observer.timings
  }

  /// Members of a JSON object: seconds of a meta-step and of its parts, the mean over ranks.
  func members(metaSteps: Int) -> String {
    func mean(_ part: (RankTiming) -> Double) -> Double {
      timings.map(part).reduce(0, +) / Double(max(timings.count, 1) * metaSteps)
    }
    return """
      "step_seconds": \(time / Double(metaSteps)), "compute_seconds": \(mean(\.compute)), \
      "wait_seconds": \(mean(\.wait)), "reduce_seconds": \(mean(\.reduce))
      """
  }
}

/// Keeps the last timings.
private final class TimingObserver: TrainingObserver {
  var timings: [RankTiming] = []

  func epochEnded(_ epoch: Int, of count: Int) {}
  func logPeriodEnded(_ summary: PeriodSummary) { timings = summary.timings }
  func evaluated(_ summary: PeriodSummary, isBest: Bool) {}
  func diverged(_ divergence: Divergence) {}
}
