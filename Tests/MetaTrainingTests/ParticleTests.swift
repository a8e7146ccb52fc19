import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import ProcessGroups
import Safetensors
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// Training by particles that have times of their own.
@Suite("Particles")
struct ParticleTests {
  private static let names = EstimatorEntry.standard.map(\.name).filter {
    $0 != TruncatedBackpropagation.name
  }

  private static func options(_ estimator: String) -> TrainingOptions {
    var options = TrainingOptions(problem: "quadratic")
    (options.estimator, options.sigma) = (estimator, 0.05)
    // Trajectories end within windows.
    (options.horizon, options.unrollLength) = (Horizon(4...9), 3)
    (options.metaStepCount, options.logPeriod, options.evaluationPeriod) = (8, 3, 4)
    (options.evaluationEpochs, options.optimizees, options.learningRate) = (2, 5, 0.01)
    return options
  }

  private static func experiment() throws -> WeightedExperiment {
    try TrainingTestSupport.experiment(
      Quadratic(batchSize: 3, dimensions: 3, standardDeviation: 1), net([4], scale: 0.1))
  }

  private static func trainer(
    _ experiment: WeightedExperiment, _ options: TrainingOptions, _ recorder: Recorder = Recorder(),
    state: TrainingState? = nil, group: any ProcessGroup = SoleProcess()
  ) -> MetaTrainer {
    MetaTrainer(
      experiment: experiment.experiment, options: options,
      state: state ?? experiment.initialState(options), group: group, store: recorder,
      observer: recorder)
  }

  @Test(
    "lines and weights have the same bits on any number of ranks, several particles on each",
    arguments: names)
  func ranks(name: String) throws {
    let recorder = Recorder()
    let alone = Self.trainer(try Self.experiment(), Self.options(name), recorder)
    #expect(try alone.run() == .finished)
    let (reference, lines) = (bits(alone.state), recorder.lines)
    #expect(lines.count == 4)
    #expect(reference != bits(try Self.experiment().initialState(Self.options(name))))
    for ranks in 1...4 {
      let results = FakeGroup.run(ranks: ranks) { group in
        let recorder = Recorder()
        let trainer = Self.trainer(
          try Self.experiment(), Self.options(name), recorder, group: group)
        _ = try trainer.run()
        return (bits(trainer.state), recorder.lines)
      }
      for (rank, result) in results.enumerated() {
        let (found, told) = try result.get()
        let isSame = found == reference
        #expect(isSame, "rank \(rank) of \(ranks)")
        #expect(told == (rank == 0 ? lines : []))
      }
    }
  }

  @Test(
    "stopped in the middle of trajectories and resumed from the file, on other numbers of ranks, it ends with the same bits and lines",
    arguments: names)
  func resume(name: String) throws {
    var options = Self.options(name)
    options.accumulate = 2
    let experiment = try Self.experiment()
    let whole = Recorder()
    let uninterrupted = Self.trainer(experiment, options, whole)
    var questions = 0
    _ = try uninterrupted.run {
      questions += 1
      return false
    }
    let reference = bits(uninterrupted.state)
    // All meta-steps, and some of the evaluations' steps.
    for question in stride(from: 1, through: questions, by: questions / 17) {
      let first = Recorder()
      var asked = 0
      let end = try Self.trainer(experiment, options, first).run {
        asked += 1
        return asked >= question
      }
      #expect(end == .stopped)
      let saved = try #require(first.states.last)
      let contents = TrainingStateFile.contents(
        saved, options: options, experiment: experiment.experiment, metadata: [:])
      let bytes = try contents.serialized()
      for ranks in [1, 3] {
        let results = FakeGroup.run(ranks: ranks) { group in
          let file = try TrainingStateFile(SafetensorsFile(bytes: bytes))
          let experiment = try Self.experiment()
          let second = Recorder()
          let trainer = Self.trainer(
            experiment, file.options, second, state: try file.state(for: experiment.experiment),
            group: group)
          _ = try trainer.run()
          return (bits(trainer.state), second.lines)
        }
        let (found, lines) = try #require(results.first).get()
        let isSame = found == reference
        #expect(isSame, "question \(question), \(ranks) ranks")
        #expect(first.lines + lines == whole.lines, "question \(question), \(ranks) ranks")
      }
    }
  }

  @Test(
    "particles come back from the file as they were, walkers and perturbations", arguments: names)
  func roundTrip(name: String) throws {
    let options = Self.options(name)
    let experiment = try Self.experiment()
    let recorder = Recorder()
    let trainer = Self.trainer(experiment, options, recorder)
    var steps = 0
    _ = try trainer.run {
      steps += 1
      return steps == 2
    }
    let contents = TrainingStateFile.contents(
      try #require(recorder.states.last), options: options, experiment: experiment.experiment,
      metadata: [:])
    let file = try TrainingStateFile(SafetensorsFile(bytes: contents.serialized()))
    let back = try file.state(for: experiment.experiment)
    #expect(back.gauge == trainer.state.gauge && back.gauge.windows == 10)
    #expect(back.episodes.count == 5)
    for (mine, theirs) in zip(back.episodes, trainer.state.episodes) {
      #expect(mine.key == theirs.key)
      #expect((mine.position, mine.length) == (theirs.position, theirs.length))
      #expect((mine.perturbationAge, mine.draws) == (theirs.perturbationAge, theirs.draws))
      // Before the first draw of a trajectory there is no perturbation to go on with.
      if theirs.draws > 0 {
        #expect(mine.perturbation.map(\.elements) == theirs.perturbation.map(\.elements))
        #expect(
          mine.perturbationSum.map(\.elements) == theirs.perturbationSum.map(\.elements))
      }
      #expect(mine.walkers.count == theirs.walkers.count)
      for (mine, theirs) in zip(mine.walkers, theirs.walkers) {
        #expect(haveSameBits(mine.parameters.elements, theirs.parameters.elements))
        #expect(mine.evaluations == theirs.evaluations)
        #expect(mine.plannedSteps == theirs.plannedSteps)
      }
    }
  }

  @Test("a file whose particles don't fit together is an error that names the part")
  func malformed() throws {
    let options = Self.options("pes")
    let experiment = try Self.experiment()
    let recorder = Recorder()
    var steps = 0
    _ = try Self.trainer(experiment, options, recorder).run {
      steps += 1
      return steps == 2
    }
    let contents = TrainingStateFile.contents(
      try #require(recorder.states.last), options: options, experiment: experiment.experiment,
      metadata: [:])
    let own = contents.names.filter { $0.hasPrefix("instance/1/") }
    #expect(own.contains { $0.contains("walker_1/") } && own.contains("instance/1/episode"))
    func state(_ name: String, _ array: SafetensorsArray?) throws -> TrainingState {
      var file = SafetensorsFile(metadata: contents.metadata)
      for each in contents.names {
        if let array = each == name ? array : contents[each] { file.append(array, named: each) }
      }
      return try TrainingStateFile(file).state(for: experiment.experiment)
    }
    for name in own where !["instance/1/episode", "instance/1/counters"].contains(name) {
      let isCount = name.hasSuffix("counters")
      let wrong =
        isCount
        ? SafetensorsArray(int64s: [1], shape: [1])
        : SafetensorsArray(floats: [1], shape: [1, 1, 1])
      for array in [nil, wrong] {
        let error = #expect(throws: TrainingStateError.self) { try state(name, array) }
        guard case .malformed(name, _) = error else {
          Issue.record("\(name): \(String(describing: error))")
          continue
        }
      }
    }
    let numbers = try #require(contents["instance/1/episode"]).int64s()
    for (place, value) in [
      (0, 0), (0, 4), (0, .max), (1, -1), (2, -1), (2, 100), (3, 0), (5, -1), (6, -1), (6, .max),
    ] as [(Int, Int64)] {
      var changed = numbers
      changed[place] = value
      let array = SafetensorsArray(int64s: changed, shape: [7])
      #expect(throws: TrainingStateError.self) { try state("instance/1/episode", array) }
    }
  }

  // MARK: - Divergence

  /// f = |x|^2, but NaN at one evaluation of one particle's trajectory.
  private struct Poisoned: Problem {
    let parameters = [VariableSpecification("x", [3], .normal(standardDeviation: 1))]
    let place: UInt32?

    init(particle: Int?, trajectory: Int = 0, evaluation: Int = 0) {
      place = particle.map {
        var stream = RandomStream(
          seed: 0, purpose: .minibatch, epoch: trajectory, instance: $0, step: evaluation)
        return stream.nextBits()
      }
    }

    func loss(
      parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
    ) -> Variable {
      let loss = parameters[0].squared().sum()
      return minibatch.nextBits() == place ? loss * .nan : loss
    }
  }

  @Test(
    "a particle that diverges is dropped, counted and restarted, and changes no other",
    arguments: names)
  func divergence(name: String) throws {
    var options = Self.options(name)
    (options.horizon, options.evaluationEpochs, options.logPeriod) = (Horizon(6), 0, 8)
    // Weights that stay, so that others' walks can be compared.
    options.learningRate = 0
    // Of full-es the second trajectory, of others the second window or a later one.
    let (trajectory, evaluation) = name == FullEvolutionStrategies.name ? (1, 2) : (0, 4)
    func run(_ problem: Poisoned) throws -> (MetaTrainer, Recorder) {
      let recorder = Recorder()
      let experiment = try TrainingTestSupport.experiment(problem, net([4], scale: 0.1))
      let trainer = Self.trainer(experiment, options, recorder)
      _ = try trainer.run()
      return (trainer, recorder)
    }
    let (clean, undisturbed) = try run(Poisoned(particle: nil))
    #expect(undisturbed.divergences.isEmpty)
    // One that gets as far as the poison: particles start at different windows.
    let particle = try #require(
      (0..<5).first { particle in
        let estimator = EstimatorEntry.standard.estimator(for: options)
        let unroller = clean.experiment
        let episode = estimator?.start(
          key(instance: particle), in: options.estimationSetting(for: unroller),
          on: Unroller(unroller))
        return episode?.length == 6
      })
    let (trainer, recorder) = try run(
      Poisoned(particle: particle, trajectory: trajectory, evaluation: evaluation))
    let divergence = try #require(recorder.divergences.first)
    #expect(recorder.divergences.count == 1)
    #expect(
      divergence
        == Divergence(
          key: key(epoch: trajectory, instance: particle), step: evaluation, quantity: .loss))
    for (mine, theirs) in zip(trainer.state.episodes, clean.state.episodes) {
      #expect(mine.divergence == nil)
      guard mine.key.instance != particle else {
        #expect(mine.key.epoch >= trajectory + 1)
        continue
      }
      #expect(mine.key == theirs.key && mine.position == theirs.position)
      #expect(mine.perturbationSum.map(\.elements) == theirs.perturbationSum.map(\.elements))
      for (mine, theirs) in zip(mine.walkers, theirs.walkers) {
        #expect(haveSameBits(mine.parameters.elements, theirs.parameters.elements))
      }
    }
    let summary = try #require(recorder.summaries.first)
    #expect((summary.diverged, summary.optimizees) == (1, 40))
    #expect((summary.gauge.dropped, summary.gauge.windows) == (1, 40))
    #expect(trainer.state.weights[0].flattened.isFinite)
    #expect(trainer.state.optimizer.firstMoments[0].isFinite)
  }

  @Test(
    "a restarted particle goes on as if its trajectory had ended there", arguments: ["pes", "nres"])
  func restart(name: String) throws {
    var options = Self.options(name)
    (options.horizon, options.evaluationEpochs, options.optimizees) = (Horizon(6), 0, 1)
    (options.learningRate, options.metaStepCount) = (0, 2)
    let experiment = try TrainingTestSupport.experiment(
      Poisoned(particle: 0, trajectory: 0, evaluation: 0), net([4], scale: 0.1))
    let trainer = Self.trainer(experiment, options)
    _ = try trainer.run()
    // Its first window was dropped; the second is the first of the next trajectory.
    let setting = options.estimationSetting(for: experiment.experiment)
    let estimator = try #require(EstimatorEntry.standard.estimator(for: options))
    let unroller = experiment.makeUnroller()
    var episode = estimator.start(key(epoch: 1), in: setting, on: unroller)
    _ = try estimator.estimate(
      &episode, weights: experiment.weights, in: setting, on: unroller)
    let found = try #require(trainer.state.episodes.first)
    #expect(found.key == episode.key && found.position == episode.position)
    #expect(
      haveSameBits(
        found.walkers[0].parameters.elements, episode.walkers[0].parameters.elements))
    #expect(found.perturbation.map(\.elements) == episode.perturbation.map(\.elements))
  }

  @Test("an estimate that overflows is dropped too, and named by the net")
  func overflow() throws {
    var options = Self.options("pes")
    (options.evaluationEpochs, options.logPeriod) = (0, 8)
    let recorder = Recorder()
    let experiment = try Self.experiment()
    let trainer = MetaTrainer(
      experiment: experiment.experiment, options: options,
      estimator: Scripted { particle, step in
        [Double](
          repeating: particle == 2 && step == 4 ? .infinity : 0.1,
          count: experiment.weights[0].elementCount)
      }, state: experiment.initialState(options), store: recorder, observer: recorder)
    _ = try trainer.run()
    #expect(recorder.divergences.map(\.key.instance) == [2])
    #expect(recorder.divergences.map(\.quantity) == [.metaGradient(net: "cw")])
    #expect(trainer.state.weights[0].flattened.isFinite)
  }
}
