import MetaTraining
import Tensors

/// Keeps what a training tells and saves.
final class Recorder: TrainingObserver, TrainingStore {
  var lines: [String] = []
  var divergences: [Divergence] = []
  var states: [TrainingState] = []
  var summaries: [PeriodSummary] = []
  var best: [Double] = []

  func epochEnded(_ epoch: Int, of count: Int) {}
  func logPeriodEnded(_ summary: PeriodSummary) {
    let steps = summary.metaSteps
    lines.append(
      "epoch \(summary.epoch) \(summary.meanCost) \(steps.metaLossSum) \(steps.gradientNormSum)"
        + " \(steps.count) \(summary.weightNorm) \(summary.diverged)")
    summaries.append(summary)
  }
  func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    lines.append("evaluation \(summary.epoch) \(summary.meanCost) \(isBest)")
    summaries.append(summary)
  }
  func diverged(_ divergence: Divergence) { divergences.append(divergence) }
  func saveBest(_ state: TrainingState, evaluation: Double) { best.append(evaluation) }
  func saveState(_ state: TrainingState) { states.append(state) }
}

/// All weights and moments of a state, to be compared bit for bit.
func bits(_ state: TrainingState) -> [[UInt32]] {
  let weights = state.weights.flatMap { $0.tensors.map(\.elements) }
  let moments = (state.adam.firstMoments + state.adam.secondMoments).map(\.elements)
  return (weights + moments).map { $0.map(\.bitPattern) }
}
