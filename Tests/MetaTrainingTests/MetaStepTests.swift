import Foundation
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

/// What becomes of meta-gradients that are known: in plain code beside the trainer.
@Suite("Meta-steps")
struct MetaStepTests {
  /// The gradient of a particle in a meta-step.
  private static func gradient(_ particle: Int, _ step: Int) -> [Double] {
    var random = RandomStream(seed: 3, purpose: .test, epoch: step, instance: particle)
    // Float32 numbers over 8 are exact in every sum of a few.
    return (0..<5).map { _ in (Double(random.nextNormal()) * 8).rounded() / 8 }
  }

  private static func options(_ change: (inout TrainingOptions) -> Void) -> TrainingOptions {
    var options = TrainingOptions(problem: "scripted")
    (options.metaOptimizer, options.momentum, options.learningRate) = (.sgd, 0, 1)
    (options.optimizees, options.metaStepCount, options.evaluationEpochs) = (4, 6, 0)
    (options.stepCount, options.unrollLength, options.logPeriod) = (10, 10, 6)
    change(&options)
    return options
  }

  private static func trainer(
    _ options: TrainingOptions, _ estimator: any MetaGradientEstimator = Scripted(gradient),
    state: TrainingState? = nil, group: any ProcessGroup = SoleProcess(),
    recorder: Recorder = Recorder()
  ) throws -> MetaTrainer {
    let experiment = try Experiment(
      problem: Simple(), nets: [NetAssignment(key: "cw", optimizer: Idle())])
    return MetaTrainer(
      experiment: experiment, options: options, estimator: estimator,
      state: state ?? MetaTrainer.initialState(of: experiment, options: options), group: group,
      store: recorder, observer: recorder)
  }

  private func trained(
    _ options: TrainingOptions, _ estimator: any MetaGradientEstimator = Scripted(gradient)
  ) throws -> [Double] {
    let trainer = try Self.trainer(options, estimator)
    _ = try trainer.run()
    return trainer.state.weights[0].flattened.elements.map(Double.init)
  }

  private static func mean(_ step: Int, particles: Int = 4) -> [Double] {
    let all = (0..<particles).map { gradient($0, step) }
    return (0..<5).map { index in all.reduce(0) { $0 + $1[index] } / Double(particles) }
  }

  private static let start: [Double] = [0.5, 0.5, 0.5, -1, -1]

  /// Plain gradient descent along what `process` makes of the mean gradients.
  private func descent(
    _ gradients: [[Double]], rate: (_ step: Int) -> Double = { _ in 1 },
    process: ([Double]) -> [Double] = { $0 }
  ) -> [Double] {
    var weights = Self.start
    for (step, gradient) in gradients.enumerated() {
      for (index, value) in process(gradient).enumerated() {
        weights[index] -= rate(step) * value
      }
    }
    return weights
  }

  /// Float32 weights of a few units, after six steps.
  private func expect(
    _ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (x, y) in zip(found, expected) {
      #expect(abs(x - y) < 5e-6, "\(found), not \(expected)", sourceLocation: sourceLocation)
    }
  }

  @Test("weights descend along the mean of all particles' gradients")
  func mean() throws {
    let gradients = (0..<6).map { Self.mean($0) }
    expect(try trained(Self.options { _ in }), descent(gradients))
  }

  @Test("several meta-steps are averaged for one step; what is left over is kept for later")
  func accumulation() throws {
    let averages = [[0, 1], [2, 3]].map { pair in
      (0..<5).map { index in pair.reduce(0) { $0 + Self.mean($1)[index] } / 2 }
    }
    let options = Self.options { ($0.accumulate, $0.metaStepCount) = (2, 5) }
    let trainer = try Self.trainer(options)
    _ = try trainer.run()
    let state = trainer.state
    expect(state.weights[0].flattened.elements.map(Double.init), descent(averages))
    #expect(state.optimizer.stepCount == 2)
    #expect(state.accumulatedCount == 1)
    #expect(state.accumulated == [Self.mean(4)])
  }

  @Test("sums that wait for a step survive a stop and the file")
  func resumedAccumulation() throws {
    let options = Self.options { $0.accumulate = 3 }
    let whole = try Self.trainer(options)
    _ = try whole.run()
    for stop in 1..<6 {
      let recorder = Recorder()
      let first = try Self.trainer(options, recorder: recorder)
      var steps = 0
      let end = try first.run {
        steps += 1
        return steps >= stop
      }
      #expect(end == .stopped)
      let contents = TrainingStateFile.contents(
        try #require(recorder.states.last), options: options, experiment: first.experiment,
        metadata: [:])
      let file = try TrainingStateFile(SafetensorsFile(bytes: contents.serialized()))
      let state = try file.state(for: first.experiment)
      #expect(state.accumulatedCount == stop % 3)
      let second = try Self.trainer(options, state: state)
      _ = try second.run()
      #expect(bits(second.state) == bits(whole.state))
    }
  }

  @Test("elements of the mean gradient are clipped by value")
  func clipValue() throws {
    let gradients = (0..<6).map { Self.mean($0) }
    let limit = 0.25
    try #require(gradients.joined().contains { abs($0) > limit })
    expect(
      try trained(Self.options { $0.clipValue = limit }),
      descent(gradients, process: { $0.map { min(max($0, -limit), limit) } }))
  }

  @Test("a long mean gradient is shortened, after its elements were clipped")
  func clipMeanNorm() throws {
    let gradients = (0..<6).map { Self.mean($0) }
    func shortened(_ gradient: [Double], to limit: Double) -> [Double] {
      let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return norm > limit ? gradient.map { $0 * limit / norm } : gradient
    }
    let norms = gradients.map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }.sorted()
    // Between the third and the fourth.
    let limit = (norms[2] + norms[3]) / 2
    expect(
      try trained(Self.options { $0.clipMeanNorm = limit }),
      descent(gradients, process: { shortened($0, to: limit) }))
    let both = Self.options { ($0.clipMeanNorm, $0.clipValue) = (limit, 0.5) }
    expect(
      try trained(both),
      descent(gradients, process: { shortened($0.map { min(max($0, -0.5), 0.5) }, to: limit) }))
  }

  @Test("the learning rate rises over the warm-up and falls along a cosine to the end")
  func schedules() throws {
    let gradients = (0..<6).map { Self.mean($0) }
    expect(
      try trained(Self.options { $0.warmup = 4 }),
      descent(gradients, rate: { min(Double($0 + 1) / 4, 1) }))
    let cosine = { (step: Int, total: Int) in
      0.5 * (1 + cos(Double.pi * Double(step) / Double(total)))
    }
    expect(
      try trained(Self.options { $0.schedule = .cosine }),
      descent(gradients, rate: { cosine($0, 6) }))
    expect(
      try trained(Self.options { ($0.schedule, $0.warmup) = (.cosine, 3) }),
      descent(gradients, rate: { cosine($0, 6) * min(Double($0 + 1) / 3, 1) }))
    // Steps of the weights count, not meta-steps.
    let averages = [[0, 1], [2, 3], [4, 5]].map { pair in
      (0..<5).map { index in pair.reduce(0) { $0 + Self.mean($1)[index] } / 2 }
    }
    expect(
      try trained(Self.options { ($0.schedule, $0.accumulate) = (.cosine, 2) }),
      descent(averages, rate: { cosine($0, 3) }))
  }

  @Test(
    "frozen weights stay as they are, by their own name or under the net's",
    arguments: [
      ["w"], ["cw/w"],
    ])
  func frozen(names: [String]) throws {
    let gradients = (0..<6).map { Self.mean($0) }
    let options = Self.options { $0.freeze = names }
    expect(try trained(options), descent(gradients, process: { [0, 0, 0, $0[3], $0[4]] }))
    for rule in MetaOptimizer.Rule.allCases {
      let found = try trained(
        Self.options { ($0.freeze, $0.metaOptimizer, $0.weightDecay) = (names, rule, 0.1) })
      #expect(Array(found[..<3]) == [0.5, 0.5, 0.5])
      #expect(found[3] != -1 && found[4] != -1)
    }
  }

  @Test("particles without a gradient are left out of the mean; without any nothing is stepped")
  func missing() throws {
    // Of step 1 there is none, of step 2 those of particles 1 and 3.
    let estimator = Scripted { particle, step in
      step == 1 || (step == 2 && particle.isMultiple(of: 2)) ? nil : Self.gradient(particle, step)
    }
    let recorder = Recorder()
    let trainer = try Self.trainer(Self.options { _ in }, estimator, recorder: recorder)
    _ = try trainer.run()
    let odd = (0..<5).map { (Self.gradient(1, 2)[$0] + Self.gradient(3, 2)[$0]) / 2 }
    let gradients = [Self.mean(0), odd] + (3..<6).map { Self.mean($0) }
    expect(trainer.state.weights[0].flattened.elements.map(Double.init), descent(gradients))
    #expect(trainer.state.optimizer.stepCount == 5)
    let summary = try #require(recorder.summaries.first)
    #expect((summary.diverged, summary.optimizees) == (6, 24))
    #expect(summary.metaSteps.count == 5)
    #expect((summary.gauge.windows, summary.gauge.dropped) == (24, 6))
    #expect(summary.gauge.droppedShare == 0.25)
    #expect(recorder.divergences.count == 6)
  }

  // MARK: - Gauge

  /// The gauge of some meta-steps by its definition.
  private func gauge(_ steps: [[[Double]?]]) -> (signal: Double?, cosine: Double?) {
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func sum(_ vectors: [[Double]]) -> [Double] {
      vectors.reduce([0, 0, 0, 0, 0]) { zip($0, $1).map { $0 + $1 } }
    }
    var (signals, cosines): ([Double], [Double]) = ([], [])
    for step in steps {
      let found = step.compactMap(\.self)
      let n = Double(found.count)
      let mean = sum(found).map { $0 / n }
      // The variance of the mean, each particle's distance to it squared.
      let spread = found.reduce(0.0) { total, gradient in
        let distance = zip(gradient, mean).map { $0 - $1 }
        return total + product(distance, distance)
      }
      // The squared length of a mean is too long by its variance.
      let variance = spread / n / (n - 1)
      if found.count >= 2 { signals.append((product(mean, mean) - variance) / variance) }
      let halves = (0..<2).map { half in
        sum(step.enumerated().filter { $0.offset % 2 == half }.compactMap(\.element))
      }
      let lengths = product(halves[0], halves[0]) * product(halves[1], halves[1])
      if lengths > 0 { cosines.append(product(halves[0], halves[1]) / lengths.squareRoot()) }
    }
    func mean(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    return (mean(signals), mean(cosines))
  }

  private func summary(
    _ options: TrainingOptions, _ estimator: any MetaGradientEstimator
  ) throws -> PeriodSummary {
    let recorder = Recorder()
    _ = try Self.trainer(options, estimator, recorder: recorder).run()
    return try #require(recorder.summaries.first)
  }

  @Test("the gauge is the mean over meta-steps of signal-to-noise and of the halves' cosine")
  func gaugeFigures() throws {
    // Means that stand out of the noise, and holes.
    let script: @Sendable (Int, Int) -> [Double]? = { particle, step in
      (particle + step) % 5 == 4
        ? nil : zip(Self.gradient(particle, step), [2, 1, 0, -1, 3]).map { $0 + $1 }
    }
    for particles in [2, 3, 4, 7] {
      let found = try summary(Self.options { $0.optimizees = particles }, Scripted(script)).gauge
      let expected = gauge((0..<6).map { step in (0..<particles).map { script($0, step) } })
      #expect(abs(try #require(found.signalToNoise) / #require(expected.signal) - 1) < 1e-9)
      #expect(abs(try #require(found.cosine) - #require(expected.cosine)) < 1e-12)
      #expect(found.windows == 6 * particles)
    }
  }

  @Test("gradients that were shortened count as such; the norm that is told is the whole one")
  func gaugeOfClipped() throws {
    let limit = 1.5
    let steps = (0..<6).map { step in (0..<4).map { Self.gradient($0, step) } }
    func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let shortened = steps.map { step in
      step.map { gradient -> [Double]? in
        let length = norm(gradient)
        return length > limit ? gradient.map { $0 * limit / length } : gradient
      }
    }
    let summary = try summary(
      Self.options { _ in }, Clipped(Scripted(Self.gradient), norm: limit))
    let expected = gauge(shortened)
    #expect(
      abs(try #require(summary.gauge.signalToNoise) / #require(expected.signal) - 1) < 1e-9)
    #expect(abs(try #require(summary.gauge.cosine) - #require(expected.cosine)) < 1e-12)
    let norms = steps.joined().map(norm)
    let told = try #require(summary.metaSteps.meanGradientNorm)
    #expect(abs(told - norms.reduce(0, +) / Double(norms.count)) < 1e-12)
  }

  @Test("one particle, and particles that agree, have no noise to compare with")
  func gaugeWithoutNoise() throws {
    let one = try summary(Self.options { $0.optimizees = 1 }, Scripted(Self.gradient)).gauge
    #expect((one.signalToNoise, one.cosine) == (nil, nil))
    #expect(one.droppedShare == 0)
    let same = try summary(Self.options { _ in }, Scripted { _, _ in [1, 2, 3, 4, 5] }).gauge
    #expect(same.signalToNoise == nil)
    #expect(abs(try #require(same.cosine) - 1) < 1e-12)
    #expect(MetaGauge().droppedShare == nil)
  }

  @Test("weights and gauge have the same bits on any number of ranks")
  func ranks() throws {
    let options = Self.options { ($0.optimizees, $0.accumulate) = (5, 2) }
    let script: @Sendable (Int, Int) -> [Double]? = { particle, step in
      (particle + step) % 5 == 4 ? nil : Self.gradient(particle, step).map { $0 / 3 }
    }
    let alone = try Self.trainer(options, Scripted(script))
    _ = try alone.run()
    let reference = bits(alone.state)
    for ranks in 1...4 {
      let found = FakeGroup.run(ranks: ranks) { group in
        let trainer = try Self.trainer(options, Scripted(script), group: group)
        _ = try trainer.run()
        return bits(trainer.state)
      }
      for each in found {
        let isSame = try each.get() == reference
        #expect(isSame, "\(ranks) ranks")
      }
    }
  }
}
