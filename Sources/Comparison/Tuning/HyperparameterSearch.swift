package import LearnedOptimizers
internal import Platform
internal import Tensors

/// Looks for an optimizer's hyperparameters in a given number of trials: along `LearningRateSearch`
/// where the rate alone is looked for, from the best of a coarse grid of rates where there is more.
///
/// 1. The grid: the decades from 1e-4 to 10, from the middle outward, all else at the optimizer's own;
///    half of the trials where these are fewer than twelve. Where a schedule is looked for, it is a cosine
///    here: it gains everybody more than anything else that is looked for, as long as the rate fits.
/// 2. Half a decade above and below the best rate, then a quarter.
/// 3. Steps from the best so far: the rate is multiplied by 10^U(-0.5, 0.5); momentum, weight decay and
///    schedule stay with a chance of a half each, or are drawn: 1 - momentum log-uniform from 0.005 to
///    0.5, weight decay from 1e-5 to 1, the schedule's form as likely as any other, half of them with a
///    warm-up of 0.05.
///
/// Independent draws from six decades and all schedules, the usual alternative, leave one or two of
/// fifteen trials near the best rate, and which optimizers are lucky decides a comparison. Trial i draws
/// from a stream of its own, all of it whatever is looked for: every optimizer makes the same steps, as
/// far as it has what else is drawn.
package struct HyperparameterSearch: Sendable {
  private let dimensions: Hyperparameters.Dimensions
  private let schedule: RateSchedule
  private let count: Int
  private let seed: UInt64
  private var grid: LearningRateSearch
  /// What was tried, in order.
  package private(set) var trials: [Trial] = []

  /// A search of so many trials over the given dimensions, of which the rate is one.
  ///
  /// - Parameter schedule: the one of all trials where none is looked for.
  /// - Precondition: the rate among them, and a trial at least.
  package init(
    _ dimensions: Hyperparameters.Dimensions, schedule: RateSchedule = .constant, trials: Int,
    seed: UInt64
  ) {
    precondition(dimensions.contains(.rate) && trials > 0, "\(trials) trials of \(dimensions)")
    self.dimensions = dimensions
    self.schedule = schedule
    count = trials
    self.seed = seed
    grid = LearningRateSearch(trials: trials)
  }

  /// What to try next; nil when all trials are made.
  package var upcoming: Hyperparameters? {
    guard trials.count < count else { return nil }
    if dimensions == .rate {
      return grid.upcoming.map { Hyperparameters(rate: $0, schedule: schedule) }
    }
    let decades = min(Self.decades.count, (count + 1) / 2)
    guard trials.count >= decades else {
      return Hyperparameters(
        rate: Self.decades[trials.count],
        schedule: dimensions.contains(.schedule) ? RateSchedule(.cosine) : schedule)
    }
    let index = trials.count - decades
    if index < Self.nearby.count {
      let before = Self.best(of: trials.prefix(decades + index / 2 * 2))
      return before.map { near($0.hyperparameters, Self.nearby[index]) }
    }
    return best.map { step(from: $0.hyperparameters) }
  }

  /// The grid's rates.
  private static let decades: [Float] = [1e-2, 1e-1, 1e-3, 1, 1e-4, 10]

  /// Decades from the best rate of all before, in pairs.
  private static let nearby = [0.5, -0.5, 0.25, -0.25]

  private func near(_ best: Hyperparameters, _ decades: Double) -> Hyperparameters {
    var next = best
    next.rate = Float(Double(next.rate) * pow(10, decades))
    return next
  }

  /// Takes the loss of what was to be tried next.
  package mutating func record(_ loss: Double) {
    guard let upcoming else { return }
    trials.append(Trial(upcoming, loss: loss.isNaN ? .infinity : loss))
    if dimensions == .rate { grid.record(loss) }
  }

  /// The best trial so far, of equal ones that with the smallest rate; nil before the first.
  package var best: Trial? { Self.best(of: trials[...]) }

  private static func best(of trials: ArraySlice<Trial>) -> Trial? {
    trials.min { ($0.loss, $0.hyperparameters.rate) < ($1.loss, $1.hyperparameters.rate) }
  }

  private func step(from best: Hyperparameters) -> Hyperparameters {
    var stream = RandomStream(seed: seed, purpose: .search, epoch: trials.count)
    func between(_ low: Double, _ high: Double) -> Double {
      low * pow(high / low, Double(stream.nextUniform()))
    }
    func stays() -> Bool { stream.nextInteger(below: 2) == 0 }
    let rate = Float(Double(best.rate) * between(pow(10, -0.5), pow(10, 0.5)))
    let momentum = stays() ? nil : 1 - between(0.005, 0.5)
    let decay = stays() ? nil : Float(between(1e-5, 1))
    let forms = RateSchedule.Form.allCases
    let keepsSchedule = stays()
    let form = forms[stream.nextInteger(below: forms.count)]
    let schedule = RateSchedule(form, warmup: stream.nextInteger(below: 2) == 0 ? 0 : 0.05)
    return Hyperparameters(
      rate: rate,
      momentum: dimensions.contains(.momentum) ? momentum ?? best.momentum : nil,
      weightDecay: dimensions.contains(.weightDecay) ? decay ?? best.weightDecay : nil,
      schedule: dimensions.contains(.schedule) && !keepsSchedule ? schedule : best.schedule)
  }
}
