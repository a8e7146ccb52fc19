package import MetaTraining
import Tensors
package import Unrolling

/// Keeps what a training tells and saves.
package final class Recorder: TrainingObserver, TrainingStore {
  /// What was told so far.
  package var lines: [String] = []
  /// What was told so far.
  package var divergences: [Divergence] = []
  /// What was told so far.
  package var states: [TrainingState] = []
  /// What was told so far.
  package var summaries: [PeriodSummary] = []
  /// What was told so far.
  package var best: [Double] = []

  /// Nothing kept so far.
  package init() {}

  /// Keeps it.
  package func epochEnded(_ epoch: Int, of count: Int) {}
  /// Keeps it.
  package func logPeriodEnded(_ summary: PeriodSummary) {
    let steps = summary.metaSteps
    lines.append(
      "epoch \(summary.epoch) \(summary.meanCost) \(steps.metaLossSum) \(steps.gradientNormSum)"
        + " \(steps.count) \(summary.weightNorm) \(summary.diverged)")
    summaries.append(summary)
  }
  /// Keeps it.
  package func evaluated(_ summary: PeriodSummary, isBest: Bool) {
    lines.append("evaluation \(summary.epoch) \(summary.meanCost) \(isBest)")
    summaries.append(summary)
  }
  /// Keeps it.
  package func diverged(_ divergence: Divergence) { divergences.append(divergence) }
  /// Keeps it.
  package func saveBest(_ state: TrainingState, evaluation: Double) { best.append(evaluation) }
  /// Keeps it.
  package func saveState(_ state: TrainingState) { states.append(state) }
}

/// All weights and moments of a state, to be compared bit for bit.
package func bits(_ state: TrainingState) -> [[UInt32]] {
  let weights = state.weights.flatMap { $0.tensors.map(\.elements) }
  let moments = (state.optimizer.firstMoments + state.optimizer.secondMoments).map(\.elements)
  return (weights + moments).map { $0.map(\.bitPattern) }
}
