import MetaGradients
import MetaTraining
import Problems
import Synchronization
import Tensors
import Testing
import TrainingTestSupport
import Unrolling

/// Says yes after so many questions, and from then on.
private final class Countdown: Sendable {
  private let left: Atomic<Int>

  init(_ questions: Int) { left = Atomic(questions) }

  func ask() -> Bool { left.subtract(1, ordering: .relaxed).newValue < 0 }
}

@Suite("A window that is given up")
struct GivingUpTests {
  private func options(_ estimator: String) -> TrainingOptions {
    var options = TrainingOptions(problem: "quadratic")
    (options.epochCount, options.logPeriod, options.evaluationPeriod) = (4, 1, 2)
    (options.evaluationEpochs, options.stepCount, options.unrollLength) = (2, 12, 4)
    (options.optimizees, options.estimator, options.metaStepCount) = (2, estimator, 8)
    return options
  }

  private func experiment() throws -> WeightedExperiment {
    try TrainingTestSupport.experiment(Quadratic(batchSize: 5, dimensions: 3), net([6], scale: 0.1))
  }

  private func trainer(
    _ options: TrainingOptions, _ recorder: Recorder, state: TrainingState? = nil,
    givesUpAfter questions: Int? = nil
  ) throws -> MetaTrainer {
    let experiment = try experiment()
    var settings = RunSettings()
    settings.givesUp = questions.map { Countdown($0) }.map { countdown in { countdown.ask() } }
    return MetaTrainer(
      experiment: experiment.experiment, options: options,
      state: state ?? experiment.initialState(options), settings: settings, store: recorder,
      observer: recorder)
  }

  @Test(
    "leaves the state where it began, and training goes on from there to the same bits",
    arguments: ["backprop", "pes", "full-es"])
  func sameBits(estimator: String) throws {
    let options = options(estimator)
    let whole = Recorder()
    let undisturbed = try trainer(options, whole)
    _ = try undisturbed.run()
    // In the first step, between two steps, and between two windows and two epochs.
    for questions in [0, 3, 7, 11, 30, 31, 50] {
      let first = Recorder()
      let stopped = try trainer(options, first, givesUpAfter: questions)
      guard try stopped.run() == .stopped else { continue }
      let saved = try #require(first.states.last)
      let second = Recorder()
      let resumed = try trainer(options, second, state: saved)
      #expect(try resumed.run() == .finished)
      #expect(bits(resumed.state) == bits(undisturbed.state), "after \(questions) questions")
      #expect(first.lines + second.lines == whole.lines, "after \(questions) questions")
    }
  }

  @Test("does not report what did not happen")
  func noDivergence() throws {
    let recorder = Recorder()
    let trainer = try trainer(options("backprop"), recorder, givesUpAfter: 2)
    #expect(try trainer.run() == .stopped)
    #expect(recorder.divergences.isEmpty && recorder.lines.isEmpty)
    #expect(trainer.state.epoch == 0 && trainer.state.unroll == 0)
  }
}
