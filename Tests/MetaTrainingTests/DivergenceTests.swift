import Autodiff
import Layers
import LearnedOptimizers
import MetaTraining
import Problems
import ProcessGroups
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// f = |a|^2 + |b|^2 that goes wrong at chosen evaluations of the loss.
///
/// An evaluation is known by the first bits of its minibatch stream.
private struct Poisoned: Problem {
  enum Poison {
    /// The loss is NaN.
    case loss
    /// The loss is fine, the gradient in b infinite.
    case gradient
  }

  let parameters = [
    VariableSpecification("a", [2], .constant(1)), VariableSpecification("b", [3], .constant(1)),
  ]
  let places: Set<UInt32>
  let poison: Poison

  init(_ places: [(epoch: Int, instance: Int, evaluation: Int)], _ poison: Poison) {
    self.places = Set(
      places.map { place in
        var stream = RandomStream(
          seed: 0, purpose: .minibatch, epoch: place.epoch, instance: place.instance,
          step: place.evaluation)
        return stream.nextBits()
      })
    self.poison = poison
  }

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let loss = parameters[0].squared().sum() + parameters[1].squared().sum()
    guard places.contains(minibatch.nextBits()) else { return loss }
    switch poison {
    case .loss: return loss * .nan
    // The square root of 0 is 0, its derivative infinite.
    case .gradient: return loss + (parameters[1] - parameters[1].detached).squareRoot().sum()
    }
  }
}

/// update = g sqrt(w) with w = 0: updates are 0, their derivative in w is infinite.
private struct Steep: RowwiseOptimizer {
  static let name = "Steep"
  let weights = [VariableSpecification("w", .scalar, .zeros)]
  var options: [String: JSONValue] { [:] }
  var rowStateShapes: [Shape] { [] }

  func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    (rows * weights[0].squareRoot(), [])
  }
}

@Suite("Divergences")
struct DivergenceTests {
  /// Three unrolls of four steps an epoch: evaluations 0 to 4, 5 to 9, 10 to 14.
  private let options: TrainingOptions = {
    var options = TrainingOptions(problem: "poisoned")
    (options.epochCount, options.logPeriod, options.evaluationPeriod) = (4, 2, 100)
    (options.stepCount, options.unrollLength, options.optimizees) = (12, 4, 3)
    return options
  }()

  private func trainer(
    _ problem: any Problem, _ recorder: Recorder, options: TrainingOptions? = nil,
    state: TrainingState? = nil
  ) throws -> MetaTrainer {
    let experiment = try experiment(problem, net([4], scale: 0.1))
    let options = options ?? self.options
    return MetaTrainer(
      experiment: experiment.experiment, options: options,
      state: state ?? experiment.initialState(options),
      store: recorder, observer: recorder)
  }

  @Test("it is reported once, with epoch, number, evaluation and what was not finite")
  func report() throws {
    for (poison, quantity) in [
      (Poisoned.Poison.loss, Divergence.Quantity.loss), (.gradient, .gradient(parameter: "b")),
    ] {
      let recorder = Recorder()
      let problem = Poisoned([(1, 2, 7), (3, 0, 0), (3, 1, 14)], poison)
      let trainer = try trainer(problem, recorder)
      _ = try trainer.run()
      #expect(
        recorder.divergences == [
          Divergence(key: key(epoch: 1, instance: 2), step: 7, quantity: quantity),
          Divergence(key: key(epoch: 3, instance: 0), step: 0, quantity: quantity),
          Divergence(key: key(epoch: 3, instance: 1), step: 14, quantity: quantity),
        ])
      let periods = recorder.lines.filter { $0.hasPrefix("epoch") }
      #expect(periods.map { $0.split(separator: " ").last } == ["1", "2"])
      #expect(trainer.state.weights[0].flattened.isFinite)
      #expect(trainer.state.epoch == 4)
    }
  }

  @Test("epochs before it are as if nothing were to come")
  func before() throws {
    var early = options
    early.epochCount = 1
    let clean = Recorder()
    let poisoned = Recorder()
    let first = try trainer(Poisoned([], .loss), clean, options: early)
    let second = try trainer(Poisoned([(1, 0, 0)], .loss), poisoned, options: early)
    _ = try first.run()
    _ = try second.run()
    #expect(bits(first.state) == bits(second.state))
  }

  @Test("the others' meta-gradients are averaged as if it were not there")
  func averaging() throws {
    var (one, two) = (options, options)
    (one.optimizees, two.optimizees) = (1, 2)
    let alone = try trainer(Poisoned([], .loss), Recorder(), options: one)
    let beside = try trainer(
      Poisoned((0..<4).map { ($0, 1, 0) }, .loss), Recorder(), options: two)
    _ = try alone.run()
    _ = try beside.run()
    // The sum's rounding depends on the number of summands, 2^-60 of the largest.
    #expect(
      distance(
        beside.state.weights[0].flattened.elements, alone.state.weights[0].flattened.elements)
        < 1e-6)
  }

  @Test("an optimizee that has left sits out the epoch across a stop, and is not told again")
  func resume() throws {
    let problem = Poisoned([(1, 2, 3), (2, 1, 6)], .gradient)
    let whole = Recorder()
    let uninterrupted = try trainer(problem, whole)
    _ = try uninterrupted.run()
    for unrolls in 3..<10 {
      let first = Recorder()
      let second = Recorder()
      var done = 0
      _ = try trainer(problem, first).run {
        done += 1
        return done == unrolls
      }
      let experiment = try experiment(problem, net([4], scale: 0.1)).experiment
      let contents = TrainingStateFile.contents(
        try #require(first.states.last), options: options, experiment: experiment, metadata: [:])
      let file = try TrainingStateFile(try SafetensorsFile(bytes: try contents.serialized()))
      let resumed = try trainer(problem, second, state: try file.state(for: experiment))
      _ = try resumed.run()
      #expect(bits(resumed.state) == bits(uninterrupted.state), "after \(unrolls) unrolls")
      #expect(first.divergences + second.divergences == whole.divergences)
      #expect(first.lines + second.lines == whole.lines)
    }
  }

  @Test("a meta-gradient that is not finite is dropped and named by its net")
  func metaGradient() throws {
    let unroller = try experiment(Simple(), Weighted(Steep(), seed: 0)).makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    #expect(
      throws: Divergence(key: key(), step: 4, quantity: .metaGradient(net: "cw"))
    ) { try unroller.unroll(&optimizee, steps: 4) }
  }

  @Test("evaluation counts them and tells the mean of the others")
  func evaluation() throws {
    // Epochs of an evaluation have other streams than those of training.
    struct Third: Problem {
      let parameters = [VariableSpecification("x", .scalar, .uniform)]
      func loss(
        parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
      ) -> Variable {
        let loss = parameters[0].squared()
        return parameters[0].value.scalar < 1 / 3 ? loss / Variable(0) : loss
      }
    }
    let unroller = try experiment(Third(), Sgd(learningRate: 0)).makeUnroller()
    let evaluation = try unroller.evaluate(
      epochs: 30, stepCount: 9, unrollLength: 4, seed: 0, phase: .test, group: SoleProcess(),
      curves: true)
    let finished = evaluation.finalLosses.filter(\.isFinite)
    #expect((1..<30).contains(evaluation.divergedCount))
    #expect(evaluation.divergences.count == evaluation.divergedCount)
    #expect(evaluation.divergences.allSatisfy { $0.step == 0 && $0.key.phase == .test })
    #expect(evaluation.mean == .infinity)
    #expect(
      evaluation.meanOfFinished == finished.reduce(0, +) / Double(finished.count))
    for (curve, last) in zip(evaluation.curves, evaluation.finalLosses) {
      // Two whole unrolls of four steps and the last loss.
      #expect(curve.count == (last.isFinite ? 9 : 0))
      if last.isFinite { #expect(curve.last.map(Double.init) == last) }
    }
  }
}
