import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Settings
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// Meta-gradients against differences and against each other.
@Suite("Meta-gradients")
struct MetaGradientTests {
  /// A coordinate-wise net that runs through automatic differentiation.
  private struct Oracle: DeepLSTMOptimizer {
    static let name = "Oracle"
    var net: DeepLSTM
    var options: [String: JSONValue] { [:] }
    func makeEngine() -> any OptimizerEngine { RowEngine(self, blockRows: 7) }
  }

  private func quadratic(_ net: Weighted<some LearnedOptimizer>) throws -> Unroller {
    try experiment(Quadratic(batchSize: 3, dimensions: 5, standardDeviation: 1), net)
      .makeUnroller()
  }

  private func oracle(_ net: Weighted<CoordinateWiseDeepLSTM>) -> Weighted<Oracle> {
    Weighted(Oracle(net: net.rule.net), weights: net.weights)
  }

  @Test(
    "the fused kernels agree with automatic differentiation", arguments: [false, true],
    MetaLoss.allCases)
  func fusedAgainstAutodiff(secondDerivatives: Bool, metaLoss: MetaLoss) throws {
    for preprocess in [Preprocessing.identity, .logAndSign(k: 5), .clamp(min: -1, max: 2)] {
      let fused = net([6, 5], preprocess: preprocess, scale: 0.1)
      let order: TruncatedBackpropagation.Order = secondDerivatives ? .second() : .first
      var outcomes: [MetaGradient] = []
      for unroller in [try quadratic(fused), try quadratic(oracle(fused))] {
        var optimizee = unroller.makeOptimizee(key())
        // The second unroll starts from a state that is not zero.
        _ = try unroller.unroll(&optimizee, steps: 4, order)
        outcomes.append(
          try unroller.unroll(&optimizee, steps: 7, order, metaLoss: metaLoss))
      }
      // Two float32 computations in different order: 1e-5 of the norm.
      let oracle = outcomes[1].gradients[0].map { Float($0) }
      #expect(distance(outcomes[0].gradients[0], oracle) < 1e-5, "\(preprocess)")
      #expect(distance(outcomes[0].losses, outcomes[1].losses) < 1e-5)
    }
  }

  @Test(
    "with second derivatives they are the derivatives of the meta-loss",
    arguments: MetaLoss.allCases)
  func differences(kind: MetaLoss) throws {
    // A small scale keeps the unroll nearly linear in the step of the difference.
    let optimizer = net([4, 3], preprocess: .identity, scale: 0.02)
    let unroller = try quadratic(optimizer)
    let start = unroller.makeOptimizee(key())
    // Which loss is the smallest may change over the step of a difference.
    var first = start
    let losses = try unroller.walk(&first, steps: 6)
    let smallest = try #require(losses.firstIndex(of: losses.min() ?? 0))
    func metaLoss(_ weights: Tensor) throws -> Double {
      unroller.load([optimizer.weights.unflattening(weights)])
      var optimizee = start
      let losses = try unroller.walk(&optimizee, steps: 6)
      return kind == .minimum ? Double(losses[smallest]) : kind.value(losses)
    }
    var optimizee = start
    let outcome = try unroller.unroll(&optimizee, steps: 6, .second(), metaLoss: kind)
    #expect(outcome.metaLoss == kind.value(outcome.losses))
    let gradient = outcome.gradients[0]
    let flat = optimizer.weights.flattened
    var random = RandomStream(seed: 5, purpose: .test)
    for _ in 0..<4 {
      let direction = random.normal(flat.shape, standardDeviation: 1)
      let step: Float = 0.02
      func at(_ factor: Float) throws -> Double {
        try metaLoss(flat + direction.affine(scale: factor * step, offset: 0))
      }
      // Fourth-order central difference; the meta-loss is rounded at 1e-6, so 1e-3 is left.
      let numeric =
        (8 * (try at(1) - at(-1)) - (try at(2) - at(-2))) / (12 * Double(step))
      let exact = zip(gradient, direction.elements).reduce(0) { $0 + $1.0 * Double($1.1) }
      #expect(abs(numeric - exact) < 2e-3 * max(1, abs(exact)), "\(numeric) and \(exact)")
    }
  }

  @Test("the logarithm of a loss of 0 is finite, and so is its derivative")
  func logarithmOfZero() throws {
    #expect(MetaLoss.log.value([0, 1]).isFinite)
    #expect(abs(MetaLoss.log.value([2, 3]) - MetaLoss.log.value([6, 1])) < 1e-7)
    // The optimum from the start: the loss is 0 at every step, and no weight can do better.
    let unroller = try experiment(
      Quadratic(batchSize: 2, dimensions: 3, standardDeviation: 0),
      net([3], preprocess: .identity, scale: 0)
    ).makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    optimizee.constants[1] = .zeros(optimizee.constants[1].shape)
    let outcome = try unroller.unroll(&optimizee, steps: 3, metaLoss: .log)
    #expect(outcome.losses.allSatisfy { $0 == 0 })
    #expect(outcome.gradients[0].allSatisfy { $0 == 0 })
  }

  @Test("many coordinates give the same whatever their number beside a chunk's")
  func chunks() throws {
    // 1,030 rows are a full chunk and a rest.
    let fused = net([3], preprocess: .logAndSign(k: 5), scale: 0.1)
    var gradients: [[Double]] = []
    let quadratic = Quadratic(batchSize: 103, dimensions: 10)
    for unroller in [
      try experiment(quadratic, fused).makeUnroller(),
      try experiment(quadratic, oracle(fused)).makeUnroller(),
    ] {
      var optimizee = unroller.makeOptimizee(key())
      gradients.append(try unroller.unroll(&optimizee, steps: 3).gradients[0])
    }
    #expect(distance(gradients[0], gradients[1].map { Float($0) }) < 1e-5)
  }
}
