internal import LearnedOptimizers
internal import ProcessGroups
internal import Tensors
internal import Unrolling

/// The lower envelope of tuned hand-designed optimizers on a task, as google/learned_optimization makes
/// it (Metz et al., "VeLO", 2022, https://arxiv.org/abs/2211.09760): what a loss is worth in steps.
///
/// Adam, Adam with a rate that rises for 1,000 steps and then falls with the root of the step, Adam with
/// a rate that falls by 7e-5 a step, and RAdam, each with 15 rates and 5 seeds; losses of 5 minibatches
/// of the train split every 10 steps. The mean over seeds, smoothed (each value is 0.95 of the one before
/// plus 0.05 of the mean, from the first on), the least of all rules and rates, at 512 points, and of
/// these the least so far. A rule with a rate at which a run diverges counts until then.
package enum EnvelopeProtocol {
  /// The learning rates.
  package static let rates: [Float] = [
    1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1,
  ]
  /// How many points an envelope has.
  package static let pieceCount = 512
  /// Steps between two measured losses.
  package static let period = 10
  private static let smoothing = 0.95

  /// The rules with their rates, as optimizers of a suite.
  package static var entrants: [Entrant] {
    rates.flatMap { rate in
      [
        ("Adam", Adam(learningRate: rate)),
        (
          "Adam, root decay",
          Adam(learningRate: rate).scaled("root-1000") { step in
            let step = Double(max(step, 1))
            return min(step / 1000, (1000 / step).squareRoot())
          }
        ),
        (
          "Adam, exponential decay",
          Adam(learningRate: rate).scaled("exponential-7e-5") { power(1 - 7e-5, $0) }
        ),
        ("RAdam", RAdam(learningRate: rate)),
      ].map { (name: String, rule: any LearnedOptimizer) in
        let label = "\(name) \(rate)"
        let nets = TrainedNets(
          nets: [NetAssignment(key: "net", optimizer: rule)], weights: [NamedTensors()])
        return Entrant(
          label: label, isBaseline: true, dimensions: [], hash: ContentHash(label).value
        ) { _ in nets }
      }
    }
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }

  /// How runs are made.
  ///
  /// - Parameter stepCount: a multiple of `period`.
  package static func settings(stepCount: Int, seedCount: Int = 5, seed: UInt64) -> SuiteSettings {
    var settings = SuiteSettings()
    settings.seedCount = seedCount
    settings.toldShares = []
    settings.pointCount = stepCount / period
    settings.batchCount = 5
    settings.seed = seed
    return settings
  }

  /// The envelope of the curves of each rule's seeds, all at the same steps.
  ///
  /// - Precondition: curves with as many points each, at least one.
  package static func envelope(of curves: [[LossCurve]]) -> LossCurve {
    let steps = curves[0][0].steps
    var least = [Double](repeating: .infinity, count: steps.count)
    for runs in curves {
      for (index, value) in smoothed(runs).enumerated() { least[index] = min(least[index], value) }
    }
    let length = steps[steps.count - 1]
    let places = (0..<pieceCount).map { length * Double($0) / Double(pieceCount - 1) }
    var lowest = Double.infinity
    let losses = places.map { place in
      lowest = min(lowest, value(at: place, steps, least))
      return lowest
    }
    return LossCurve(steps: places, losses: losses)
  }

  /// The smoothed mean of runs; infinite from where one of them diverged.
  private static func smoothed(_ runs: [LossCurve]) -> [Double] {
    var last: Double?
    return runs[0].losses.indices.map { index in
      let mean = runs.reduce(0) { $0 + $1.losses[index] } / Double(runs.count)
      let value = last.map { smoothing * $0 + (1 - smoothing) * mean } ?? mean
      last = value
      return value
    }
  }

  /// The value at a place on straight lines between known ones.
  private static func value(at place: Double, _ steps: [Double], _ values: [Double]) -> Double {
    guard let next = steps.firstIndex(where: { $0 >= place }), next > 0 else {
      return place <= steps[0] ? values[0] : values[values.count - 1]
    }
    let share = (place - steps[next - 1]) / (steps[next] - steps[next - 1])
    return values[next - 1] + share * (values[next] - values[next - 1])
  }
}
