import MetaTraining
import Tensors

/// Keeps what a training tells and saves.
final class Recorder: TrainingObserver, TrainingStore {
  var lines: [String] = []
  var divergences: [Divergence] = []
  var states: [TrainingState] = []
  var best: [Double] = []

  func epochEnded(_ epoch: Int, of count: Int) {}
  func logPeriodEnded(_ summary: PeriodSummary) {
    lines.append("epoch \(summary.epoch) \(summary.meanCost) \(summary.diverged)")
  }
  func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    lines.append("evaluation \(summary.epoch) \(summary.meanCost) \(isBest)")
  }
  func timed(_ timings: [RankTiming]) {}
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
