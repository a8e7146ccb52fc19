internal import Platform

/// Looks for the learning rate with the smallest loss, in a given number of trials.
///
/// 1. The grid: half decades from 10^-4 to 10.
/// 2. While the best rate lies at an end of what was tried: half a decade beyond it, down to 10^-10
///    and up to 10^6.
/// 3. Refinement: of the two gaps beside the best rate the wider is halved (in the logarithm), the
///    left one if they are equal: quarter decades, then eighths, and so on.
///
/// The number of trials is the same for every optimizer, so what an extended grid takes is missing
/// in the refinement. Rates are powers 10^(k/1024) with a whole k: none is tried twice. Of equal
/// losses, as when all runs diverge, the smaller rate's is the better one.
package struct LearningRateSearch: Sendable {
  /// One rate and its loss.
  package struct Trial: Equatable, Sendable {
    /// The rate.
    package let rate: Float
    /// The mean final loss; infinite when a run diverged.
    package let loss: Double
  }

  /// The rates of the grid.
  package static let gridCount = 11
  /// The trials that every optimizer gets unless told otherwise.
  package static let defaultTrials = 19

  private static let perDecade = 1024
  private static let grid = stride(from: -4 * perDecade, through: perDecade, by: perDecade / 2)
  private static let limits = (-10 * perDecade)...(6 * perDecade)

  /// How many trials there are in all.
  package let trialCount: Int
  private var losses: [Int: Double] = [:]
  private var order: [Int] = []

  /// A search of so many trials.
  package init(trials: Int = Self.defaultTrials) { trialCount = trials }

  /// What was tried, in order.
  package var trials: [Trial] {
    order.map { Trial(rate: Self.rate($0), loss: losses[$0] ?? .infinity) }
  }

  /// The best trial so far; nil before the first.
  package var best: Trial? {
    bestExponent.map { Trial(rate: Self.rate($0), loss: losses[$0] ?? 0) }
  }

  /// Whether a rate outside of what was tried may be better.
  package var isBestAtEdge: Bool {
    guard let best = bestExponent else { return true }
    return best == losses.keys.min() || best == losses.keys.max()
  }

  /// Tries the next rate.
  ///
  /// - Returns: whether there was one; no rate is left when all trials are made.
  package mutating func step(_ loss: (Float) throws -> Double) rethrows -> Bool {
    guard let upcoming else { return false }
    record(try loss(upcoming))
    return true
  }

  /// The rate to try next; nil when all trials are made or no rate is left.
  package var upcoming: Float? { order.count < trialCount ? next.map(Self.rate) : nil }

  /// Takes the loss at the upcoming rate; nothing where there is none.
  package mutating func record(_ loss: Double) {
    guard order.count < trialCount, let next else { return }
    losses[next] = loss.isNaN ? .infinity : loss
    order.append(next)
  }

  private static func rate(_ exponent: Int) -> Float {
    Float(pow(10, Double(exponent) / Double(perDecade)))
  }

  private var bestExponent: Int? {
    losses.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
  }

  private var next: Int? {
    if let untried = Self.grid.first(where: { losses[$0] == nil }) { return untried }
    guard let best = bestExponent else { return nil }
    let step = Self.perDecade / 2
    guard let left = losses.keys.filter({ $0 < best }).max() else {
      return Self.limits.contains(best - step) ? best - step : nil
    }
    guard let right = losses.keys.filter({ $0 > best }).min() else {
      return Self.limits.contains(best + step) ? best + step : nil
    }
    let gap = max(best - left, right - best)
    guard gap > 1 else { return nil }
    return best - left == gap ? best - gap / 2 : best + gap / 2
  }
}
