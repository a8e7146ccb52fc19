import Foundation
import LearnedOptimizers
import MetaTraining
import Problems
import Tensors
import Unrolling

/// A training of a moment, told to an observer.
func train(
  _ observer: any TrainingObserver, epochs: Int = 6, from state: TrainingState? = nil
) throws {
  let net = CoordinateWiseDeepLSTM(layers: [4], scale: 0.1)
  let experiment = try Experiment(
    problem: Quadratic(batchSize: 3, dimensions: 2),
    nets: [NetAssignment(key: "cw", optimizer: net)])
  var options = TrainingOptions(problem: "quadratic")
  (options.epochCount, options.logPeriod, options.evaluationPeriod) = (epochs, 2, 3)
  (options.evaluationEpochs, options.stepCount, options.unrollLength) = (2, 8, 4)
  options.optimizees = 2
  var settings = RunSettings()
  (settings.reportsTimings, settings.recordsUpdates) = (true, true)
  let trainer = MetaTrainer(
    experiment: experiment, options: options,
    state: state ?? MetaTrainer.initialState(of: experiment, options: options),
    settings: settings, observer: observer)
  _ = try trainer.run()
}

/// Keeps the summaries.
final class Summaries: TrainingObserver {
  var periods: [PeriodSummary] = []
  var evaluations: [PeriodSummary] = []

  func epochEnded(_ epoch: Int, of count: Int) {}
  func logPeriodEnded(_ summary: PeriodSummary) { periods.append(summary) }
  func evaluated(_ summary: PeriodSummary, isBest: Bool) { evaluations.append(summary) }
  func diverged(_ divergence: Divergence) {}
}
