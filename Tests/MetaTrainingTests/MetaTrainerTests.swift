import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import ProcessGroups
import Safetensors
import Tensors
import Testing
import TrainingTestSupport
import Unrolling

/// f = x^2, but not a number at one evaluation of one optimizee in some epochs.
///
/// The constant tells the loss which epoch it is in: it is drawn anew at every reset.
private struct Diverging: Problem {
  let parameters = [VariableSpecification("x", [4], .constant(1))]
  let constants = [VariableSpecification("fate", .scalar, .uniform)]
  let share: Float

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let loss = parameters[0].squared().sum()
    return constants[0].scalar < share ? loss * .nan : loss
  }
}

@Suite("MetaTrainer")
struct MetaTrainerTests {
  private var options: TrainingOptions {
    var options = TrainingOptions(problem: "quadratic")
    (options.epochCount, options.logPeriod, options.evaluationPeriod) = (6, 2, 3)
    (options.evaluationEpochs, options.stepCount, options.unrollLength) = (4, 12, 4)
    options.optimizees = 3
    return options
  }

  private func quadratic() throws -> WeightedExperiment {
    try experiment(Quadratic(batchSize: 5, dimensions: 3), net([6], scale: 0.1))
  }

  private func trainer(
    _ experiment: WeightedExperiment, _ options: TrainingOptions, _ recorder: Recorder,
    state: TrainingState? = nil
  ) -> MetaTrainer {
    MetaTrainer(
      experiment: experiment.experiment, options: options,
      state: state ?? experiment.initialState(options),
      store: recorder, observer: recorder)
  }

  @Test("a long meta-gradient is shortened to the limit, a short one is left as it is")
  func clipping() throws {
    /// The first moment after one meta-step of one optimizee: a tenth of the meta-gradient.
    func moment(clipNorm: Double?) throws -> [Double] {
      var options = options
      (options.epochCount, options.stepCount, options.clipNorm) = (1, 4, clipNorm)
      options.optimizees = 1
      let trainer = trainer(try quadratic(), options, Recorder())
      _ = try trainer.run()
      return trainer.state.optimizer.firstMoments[0].elements.map { 10 * Double($0) }
    }
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let whole = try moment(clipNorm: nil)
    let length = norm(whole)
    try #require(length > 0)
    #expect(try moment(clipNorm: 2 * length) == whole)
    let short = try moment(clipNorm: length / 4)
    // Float32 moments: 1e-6.
    #expect(abs(norm(short) / length - 0.25) < 1e-6)
    for (x, y) in zip(short, whole) { #expect(abs(x - y / 4) < 1e-6 * length) }
  }

  @Test("each optimizee's meta-gradient is shortened by itself, before the average")
  func clippingEach() throws {
    var options = options
    (options.epochCount, options.stepCount, options.optimizees) = (1, 4, 2)
    let unroller = try quadratic().makeUnroller()
    let each = try (0..<2).map { instance in
      var optimizee = unroller.makeOptimizee(key(instance: instance))
      return try unroller.unroll(&optimizee, steps: 4)
    }
    let norms = each.map(\.norm)
    // Between the two, so that one is shortened and one is not.
    let limit = (norms[0] + norms[1]) / 2
    try #require(norms[0] != norms[1])
    options.clipNorm = limit
    let recorder = Recorder()
    let trainer = trainer(try quadratic(), options, recorder)
    _ = try trainer.run()
    let moment = trainer.state.optimizer.firstMoments[0].elements.map { 10 * Double($0) }
    for index in moment.indices {
      let expected = zip(each, norms).reduce(0) {
        $0 + $1.0.gradients[0][index] * min(1, limit / $1.1) / 2
      }
      #expect(abs(moment[index] - expected) < 1e-6 * limit)
    }
  }

  @Test("the average follows the weights, and is what is evaluated and saved")
  func averaging() throws {
    var options = options
    (options.averageSteps, options.epochCount, options.evaluationPeriod) = (4, 3, 1)
    let recorder = Recorder()
    let trainer = trainer(try quadratic(), options, recorder)
    _ = try trainer.run()
    let state = trainer.state
    let average = try #require(state.averages)
    #expect(average[0].flattened.elements != state.weights[0].flattened.elements)
    #expect(state.evaluatedWeights[0].flattened.elements == average[0].flattened.elements)
    // The last evaluation, done again.
    let unroller = Unroller(try quadratic().experiment, weights: average)
    let evaluation = try unroller.evaluate(
      epochs: options.evaluationEpochs, stepCount: options.stepCount,
      unrollLength: options.unrollLength, seed: options.seed, phase: .validation,
      group: SoleProcess())
    #expect(state.curve.last?.meanFinalLoss == evaluation.mean)
    // Averaging changes what is saved, not the training.
    options.averageSteps = nil
    let plain = self.trainer(try quadratic(), options, Recorder())
    _ = try plain.run()
    #expect(plain.state.averages == nil)
    #expect(plain.state.weights[0].flattened.elements == state.weights[0].flattened.elements)
  }

  @Test("the average's share of a step is 9 in 10 at first and one in the horizon in the end")
  func averageShare() {
    func state(_ value: Float, steps: Int) -> TrainingState {
      var state = TrainingState(
        weights: [NamedTensors(names: ["w"], tensors: [Tensor([value])])],
        options: TrainingOptions(problem: ""))
      state.optimizer.stepCount = steps
      return state
    }
    for (steps, share) in [(1, 9.0 / 11), (80, 0.1), (100_000, 0.05)] as [(Int, Float)] {
      var moved = state(1, steps: steps)
      moved.averages = [NamedTensors(names: ["w"], tensors: [Tensor([0])])]
      moved.updateAverages(horizon: 20)
      #expect(abs(moved.evaluatedWeights[0].tensors[0].elements[0] - share) < 1e-6)
    }
  }

  @Test("the learning rate of the meta-steps follows from the epoch")
  func halfLife() throws {
    var options = options
    (options.halfLife, options.learningRate) = (2, 0.01)
    let trainer = trainer(try quadratic(), options, Recorder())
    _ = try trainer.run()
    // The last of six epochs is number 5, counted from 0.
    #expect(abs(trainer.state.optimizer.learningRate / 0.01 - 0.176_776_7) < 1e-6)
  }

  @Test("the same seed gives the same bits, another seed others")
  func determinism() throws {
    var results: [[[UInt32]]] = []
    for seed: UInt64 in [0, 0, 1] {
      var options = options
      options.seed = seed
      let recorder = Recorder()
      let trainer = trainer(try quadratic(), options, recorder)
      _ = try trainer.run()
      results.append(bits(trainer.state))
    }
    #expect(results[0] == results[1])
    #expect(results[0] != results[2])
  }

  @Test("stopped anywhere, in evaluations too, and resumed it ends with the same bits and lines")
  func resume() throws {
    let experiment = try quadratic()
    let whole = Recorder()
    let uninterrupted = trainer(experiment, options, whole)
    var questions = 0
    _ = try uninterrupted.run {
      questions += 1
      return false
    }
    #expect(questions > options.epochCount * options.unrollCount)
    for question in 1...questions {
      let first = Recorder()
      var asked = 0
      let end = try trainer(experiment, options, first).run {
        asked += 1
        return asked >= question
      }
      guard case .stopped = end else {
        Issue.record("not stopped by the answer to question \(question)")
        continue
      }
      let contents = TrainingStateFile.contents(
        try #require(first.states.last), options: options, experiment: experiment.experiment,
        metadata: [:])
      let file = try TrainingStateFile(try SafetensorsFile(bytes: try contents.serialized()))
      #expect(file.options == options)
      let second = Recorder()
      let resumed = trainer(
        experiment, file.options, second, state: try file.state(for: experiment.experiment))
      _ = try resumed.run()
      #expect(bits(resumed.state) == bits(uninterrupted.state), "question \(question)")
      #expect(first.lines + second.lines == whole.lines, "question \(question)")
      #expect(first.best + second.best == whole.best)
    }
  }

  @Test("an optimizee whose loss is not a number is dropped, counted and reported by name")
  func divergence() throws {
    var options = options
    options.optimizees = 4
    options.evaluationPeriod = 100
    let recorder = Recorder()
    let trainer = trainer(
      try experiment(Diverging(share: 0.3), net([4], scale: 0.1)), options, recorder)
    _ = try trainer.run()
    #expect(!recorder.divergences.isEmpty)
    #expect(recorder.divergences.allSatisfy { $0.quantity == .loss && $0.step == 0 })
    let counted = recorder.lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    #expect(counted.reduce(0, +) == recorder.divergences.count)
    #expect(Set(recorder.divergences.map(\.key)).count == recorder.divergences.count)
    #expect(trainer.state.weights[0].flattened.isFinite)
    #expect(
      (trainer.state.optimizer.firstMoments + trainer.state.optimizer.secondMoments).allSatisfy {
        $0.isFinite
      })
  }

  @Test("the meta-steps of a period are those of its unrolls, computed one by one")
  func metaSteps() throws {
    var options = options
    (options.epochCount, options.logPeriod, options.stepCount) = (1, 1, 4)
    let recorder = Recorder()
    _ = try trainer(try quadratic(), options, recorder).run()
    let unroller = try quadratic().makeUnroller()
    let outcomes = try (0..<options.optimizees).map { instance in
      var optimizee = unroller.makeOptimizee(key(instance: instance))
      return try unroller.unroll(&optimizee, steps: 4)
    }
    let summary = try #require(recorder.summaries.first)
    #expect(summary.metaSteps.count == 1)
    let count = Double(options.optimizees)
    let metaLoss = outcomes.map(\.metaLoss).reduce(0, +) / count
    #expect(summary.metaSteps.meanMetaLoss == metaLoss)
    let norms = outcomes.map { outcome in
      outcome.gradients[0].map { $0 * $0 }.reduce(0, +).squareRoot()
    }
    #expect(summary.metaSteps.meanGradientNorm == norms.reduce(0, +) / count)
    let weights = recorder.states.last.map { $0.weights[0].flattened.elements } ?? []
    let squares = weights.map { Double($0) * Double($0) }.reduce(0, +)
    #expect(abs(summary.weightNorm - squares.squareRoot()) < 1e-12 * squares)
  }

  @Test("a state tells whether an evaluation is still to come, that at the end of a training too")
  func unevaluated() throws {
    var options = options
    (options.epochCount, options.evaluationPeriod, options.evaluationEpochs) = (5, 2, 1)
    let recorder = Recorder()
    _ = try trainer(try quadratic(), options, recorder).run()
    let told = recorder.states.map { "\($0.epoch) \($0.isUnevaluated)" }
    #expect(
      told == ["2 true", "2 false", "4 true", "4 false", "5 true", "5 false", "5 false"])
  }

  @Test("an evaluation counts every update that it made, where that is asked for")
  func updates() throws {
    for isAsked in [false, true] {
      let experiment = try quadratic()
      let recorder = Recorder()
      var settings = RunSettings()
      settings.recordsUpdates = isAsked
      let trainer = MetaTrainer(
        experiment: experiment.experiment, options: options,
        state: experiment.initialState(options), settings: settings,
        observer: recorder)
      _ = try trainer.run()
      let evaluated = recorder.summaries.filter { $0.metaSteps.count == 0 }
      #expect(evaluated.count == 2)
      // 4 epochs of 12 steps on 5 x 3 parameters.
      #expect(
        evaluated.map { $0.updates.map(\.histogram.count) }
          == (isAsked ? [[720], [720]] : [[], []]))
      let sum = evaluated[1].updates.first?.histogram.sum ?? 0
      #expect(isAsked == (sum != 0))
    }
  }

  @Test("when all diverge the weights stay as they are, and training stops with the count")
  func allDiverge() throws {
    let recorder = Recorder()
    let trainer = trainer(
      try experiment(Diverging(share: 1), net([4])), options, recorder)
    let before = bits(trainer.state)
    #expect(
      throws: TrainingError.mostlyDiverged(
        epoch: 3, diverged: 9, optimizees: 9, evaluating: false)
    ) { _ = try trainer.run() }
    #expect(bits(trainer.state) == before)
  }

  @Test("every optimizer is evaluated on the same optimizees")
  func sameOptimizees() throws {
    var starts: [[Float]] = []
    let quadratic = Quadratic(batchSize: 5, dimensions: 3)
    for experiment in [
      try experiment(quadratic, net([4], scale: 0.1)), try experiment(quadratic, Adam()),
      try experiment(quadratic, Sgd()),
    ] {
      let evaluation = try experiment.makeUnroller().evaluate(
        epochs: 3, stepCount: 4, unrollLength: 4, seed: 7, phase: .test, group: SoleProcess(),
        curves: true)
      starts.append(evaluation.curves.map { $0[0] })
      #expect(evaluation.curves.allSatisfy { $0.count == 5 })
    }
    #expect(starts[0] == starts[1] && starts[1] == starts[2])
    #expect(Set(starts[0]).count == 3)
  }

  @Test("training on quadratics lowers the loss that it is evaluated by")
  func learns() throws {
    var options = options
    (options.epochCount, options.evaluationPeriod, options.stepCount) = (60, 30, 20)
    options.learningRate = 0.01
    let recorder = Recorder()
    _ = try trainer(try quadratic(), options, recorder).run()
    #expect(recorder.best.count == 2 && recorder.best[1] < recorder.best[0])
  }
}
