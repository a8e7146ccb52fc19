import LearnedOptimizers
import LearningToLearnTesting
import MetaGradients
import Synchronization
import Tensors
import Testing
import Unrolling

/// Estimators that can't be trained with, each for a reason of its own.
@Suite("checkEstimator")
struct EstimatorChecksTests {
  private final class Counter: Sendable {
    private let count = Mutex(0.0)
    func next() -> Double {
      count.withLock {
        $0 += 1
        return $0
      }
    }
  }

  /// Evolution strategies with something wrong.
  private struct Wrong: MetaGradientEstimator {
    static let name = "wrong"
    var base = PersistentEvolutionStrategies(sigma: 0.1)
    var staysInTrajectory = false
    var ignoresInstance = false
    var counts = false
    var forgetsWeights = false
    var makesNaN = false
    var usesLoadedWeights = false
    let counter = Counter()

    func start(
      _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
    ) -> Episode {
      base.start(
        ignoresInstance
          ? OptimizeeKey(seed: key.seed, phase: key.phase, epoch: key.epoch, instance: 0) : key,
        in: setting, on: unroller)
    }

    func estimate(
      _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
      on unroller: Unroller
    ) throws(Divergence) -> MetaGradient {
      if staysInTrajectory { (episode.position, episode.length) = (0, 100) }
      if usesLoadedWeights, episode.draws > 0 {
        var beside = episode.walkers[0]
        let losses = try unroller.walk(&beside, steps: 1)
        _ = try base.estimate(&episode, weights: weights, in: setting, on: unroller)
        return MetaGradient(
          losses: losses, gradients: weights.map { .init(repeating: 0, count: $0.elementCount) },
          metaLoss: 0)
      }
      var result = try base.estimate(&episode, weights: weights, in: setting, on: unroller)
      if counts { result.gradients[0][0] += counter.next() }
      if forgetsWeights { result.gradients[0].removeLast() }
      if makesNaN { result.gradients[0][0] = .nan }
      return result
    }
  }

  private func expectFault(_ estimator: Wrong, _ words: String) {
    let fault = #expect(throws: ConformanceFault.self) { try checkEstimator(estimator) }
    #expect(fault?.description.contains(words) ?? false, "\(fault?.description ?? "")")
    #expect(fault?.subject == Wrong.name)
  }

  @Test("an estimator without faults has none")
  func right() throws { try checkEstimator(Wrong()) }

  @Test("estimates are finite and of the weights' sizes")
  func estimates() {
    expectFault(Wrong(forgetsWeights: true), "numbers for")
    expectFault(Wrong(makesNaN: true), "not finite")
  }

  @Test("trajectories that never end, particles that are all one, and memories are found")
  func episodes() {
    expectFault(Wrong(staysInTrajectory: true), "beyond a trajectory")
    expectFault(Wrong(ignoresInstance: true), "same random numbers")
    expectFault(Wrong(counts: true), "what other episodes do")
    expectFault(Wrong(usesLoadedWeights: true), "what other episodes do")
  }
}
