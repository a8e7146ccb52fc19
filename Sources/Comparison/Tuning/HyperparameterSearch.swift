internal import Platform
internal import Tensors

/// Looks for an optimizer's hyperparameters in a given number of trials: along `LearningRateSearch`
/// where the rate alone is looked for, by random draws where there is more.
///
/// Draws are log-uniform: rates from 1e-5 to 10, 1 - momentum from 0.005 to 0.5, weight decay from
/// 1e-5 to 1. Half of the schedules are constant, each other one in six; half have a warm-up of 0.05.
/// Trial i draws from a stream of its own, all of it whatever is looked for: every optimizer tries the
/// same rates, as far as it has what else is drawn.
package struct HyperparameterSearch: Sendable {
  private let dimensions: Hyperparameters.Dimensions
  private let count: Int
  private let seed: UInt64
  private var grid: LearningRateSearch
  /// What was tried, in order.
  package private(set) var trials: [Trial] = []

  /// A search of so many trials over the given dimensions, of which the rate is one.
  ///
  /// - Precondition: the rate among them, and a trial at least.
  package init(_ dimensions: Hyperparameters.Dimensions, trials: Int, seed: UInt64) {
    precondition(dimensions.contains(.rate) && trials > 0, "\(trials) trials of \(dimensions)")
    self.dimensions = dimensions
    count = trials
    self.seed = seed
    grid = LearningRateSearch(trials: trials)
  }

  /// What to try next; nil when all trials are made.
  package var upcoming: Hyperparameters? {
    guard trials.count < count else { return nil }
    if dimensions == .rate { return grid.upcoming.map { Hyperparameters(rate: $0) } }
    return draw(trials.count)
  }

  /// Takes the loss of what was to be tried next.
  package mutating func record(_ loss: Double) {
    guard let upcoming else { return }
    trials.append(Trial(upcoming, loss: loss.isNaN ? .infinity : loss))
    if dimensions == .rate { grid.record(loss) }
  }

  /// The best trial so far, of equal ones that with the smallest rate; nil before the first.
  package var best: Trial? {
    trials.min { ($0.loss, $0.hyperparameters.rate) < ($1.loss, $1.hyperparameters.rate) }
  }

  private func draw(_ trial: Int) -> Hyperparameters {
    var stream = RandomStream(seed: seed, purpose: .search, epoch: trial)
    func between(_ low: Double, _ high: Double) -> Double {
      low * pow(high / low, Double(stream.nextUniform()))
    }
    let rate = Float(between(1e-5, 10))
    let momentum = 1 - between(0.005, 0.5)
    let decay = Float(between(1e-5, 1))
    let forms = RateSchedule.Form.allCases
    let form = max(stream.nextInteger(below: 6) - 2, 0)
    let warmup = stream.nextInteger(below: 2) == 0 ? 0 : 0.05
    return Hyperparameters(
      rate: rate, momentum: dimensions.contains(.momentum) ? momentum : nil,
      weightDecay: dimensions.contains(.weightDecay) ? decay : nil,
      schedule: dimensions.contains(.schedule)
        ? RateSchedule(forms[form], warmup: warmup) : .constant)
  }
}
