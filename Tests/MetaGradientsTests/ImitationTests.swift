import LearnedOptimizers
import MetaGradients
import Problems
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// Windows whose updates are a teacher's.
@Suite("Imitation")
struct ImitationTests {
  private let setting = EstimationSetting(window: 5, horizon: Horizon(10))
  private let learner = net([4, 3], preprocess: .identity, scale: 0.05)

  private func unroller() throws -> Unroller {
    try experiment(Quadratic(batchSize: 3, dimensions: 5, standardDeviation: 1), learner)
      .makeUnroller()
  }

  private func imitation(
    _ probability: Double, of teachers: [any LearnedOptimizer] = Imitation.standardTeachers
  ) -> Imitation {
    Imitation(
      TruncatedBackpropagation(order: .second()), probability: probability, teachers: teachers)
  }

  /// Two windows of one trajectory.
  private func windows(
    _ estimator: any MetaGradientEstimator, _ unroller: Unroller, weights: NamedTensors? = nil,
    epoch: Int = 0
  ) throws -> (windows: [MetaGradient], end: Tensor) {
    var episode = estimator.start(key(epoch: epoch), in: setting, on: unroller)
    let windows = try (0..<2).map { _ in
      try estimator.estimate(
        &episode, weights: [weights ?? learner.weights], in: setting, on: unroller)
    }
    return (windows, episode.walkers[0].parameters)
  }

  @Test("the meta-gradient is the derivative of the distance to the teacher's updates")
  func differences() throws {
    let unroller = try unroller()
    let estimator = imitation(1)
    let gradients = try windows(estimator, unroller).windows
    let flat = learner.weights.flattened
    var random = RandomStream(seed: 5, purpose: .test)
    for _ in 0..<4 {
      let direction = random.normal(flat.shape, standardDeviation: 1)
      func metaLosses(_ step: Float) throws -> [Double] {
        let weights = learner.weights.unflattening(
          flat + direction.affine(scale: step, offset: 0))
        // The second window starts from a state that depends on the weights, through which no
        // derivative flows: the first alone is compared.
        return try windows(estimator, unroller, weights: weights).windows.map(\.metaLoss)
      }
      let step: Float = 0.01
      let slope = (try metaLosses(step)[0] - metaLosses(-step)[0]) / (2 * Double(step))
      let expected = zip(gradients[0].gradients[0], direction.elements).reduce(0) {
        $0 + $1.0 * Double($1.1)
      }
      #expect(abs(slope - expected) < 2e-3 * abs(expected) + 1e-9)
      #expect(expected != 0)
    }
  }

  @Test("the optimizee goes where the teacher takes it, which starts anew with each window")
  func way() throws {
    let unroller = try unroller()
    let adam = Adam(learningRate: 0.03)
    let end = try windows(imitation(1, of: [adam]), unroller).end
    let alone = Unroller(
      try Experiment(
        problem: Quadratic(batchSize: 3, dimensions: 5, standardDeviation: 1),
        nets: [NetAssignment(key: "adam", optimizer: adam)]), weights: [NamedTensors()])
    var optimizee = alone.makeOptimizee(key())
    for _ in 0..<2 {
      _ = try alone.walk(&optimizee, steps: 5)
      optimizee.states = alone.makeOptimizee(key()).states
    }
    #expect(end.elements == optimizee.parameters.elements)
  }

  @Test("without any imitated window it is the base, bit for bit")
  func never() throws {
    let unroller = try unroller()
    let base = try windows(TruncatedBackpropagation(order: .second()), unroller)
    let estimator = imitation(0)
    let same = try windows(estimator, unroller)
    #expect(same.windows.map(\.gradients) == base.windows.map(\.gradients))
    #expect(same.end.elements == base.end.elements)
    #expect(estimator.isInStep)
  }

  @Test("the asked share of windows is imitated, of all teachers, the same ones every time")
  func share() throws {
    let unroller = try unroller()
    let base = TruncatedBackpropagation(order: .second())
    var imitated = 0
    var ends: Set<[Float]> = []
    for epoch in 0..<60 {
      let (mixed, again) = (
        try windows(imitation(0.5), unroller, epoch: epoch),
        try windows(imitation(0.5), unroller, epoch: epoch)
      )
      #expect(mixed.windows.map(\.gradients) == again.windows.map(\.gradients))
      let own = try windows(base, unroller, epoch: epoch)
      if mixed.windows[0].metaLoss != own.windows[0].metaLoss { imitated += 1 }
      ends.insert(mixed.end.elements)
    }
    // Of 60, a standard deviation of 3.9.
    #expect((15...45).contains(imitated))
    #expect(ends.count == 60)
  }
}
