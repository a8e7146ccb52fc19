internal import Essentials
internal import Platform
internal import Problems
public import ProcessGroups

/// The result of unrolling fresh optimizees without changing weights.
public struct Evaluation: Sendable {
  /// The final loss of each epoch, infinite where the optimizee diverged; of several tasks those of
  /// the first epoch, task by task, then those of the second, ...
  public let finalLosses: [Double]
  /// The same on a scale that all members of a family share.
  public let normalizedLosses: [Double]
  /// How many tasks there are.
  public let taskCount: Int
  /// The losses of each epoch from f_0 to f_T, where they were asked for; on rank 0 all epochs', on
  /// others those of their share.
  public let curves: [[Float]]
  /// What diverged.
  public let divergences: [Divergence]
  /// For each net, the updates that it gave all epochs' optimizees, on rank 0; empty where not asked
  /// for.
  public let updates: [Histogram]

  /// What optimizers are judged by: the mean final loss, of several tasks the mean normalized one;
  /// infinite when any optimizee diverged.
  public var mean: Double {
    let losses = taskCount > 1 ? normalizedLosses : finalLosses
    return losses.reduce(0, +) / Double(losses.count)
  }
  /// The mean final loss as it is, for reports; infinite when any optimizee diverged.
  public var meanFinalLoss: Double { finalLosses.reduce(0, +) / Double(finalLosses.count) }
  /// The mean final loss of one task's optimizees.
  public func mean(ofTask task: Int) -> Double {
    let losses = stride(from: task, to: finalLosses.count, by: taskCount).map { finalLosses[$0] }
    return losses.reduce(0, +) / Double(losses.count)
  }
  /// How many optimizees diverged.
  public var divergedCount: Int { finalLosses.lazy.filter { !$0.isFinite }.count }
  /// The mean over those that did not; nil when all did.
  public var meanOfFinished: Double? {
    let finished = finalLosses.filter(\.isFinite)
    return finished.isEmpty ? nil : finished.reduce(0, +) / Double(finished.count)
  }
}

/// What one process tells rank 0 of its share of an evaluation.
private struct EvaluationShare: Codable {
  let curves: [[Float]]
  let divergences: [Divergence]
  // One of each epoch and net: sums are added in the order of epochs, whoever has computed them.
  let updates: [[Histogram]]
}

extension ProcessGroup {
  // Losses that were kept are finite, and JSON's shortest decimals read back as the same floats.
  fileprivate func gatherShares(_ share: EvaluationShare) throws -> [EvaluationShare]? {
    guard count > 1 else { return [share] }
    return try gather([UInt8](try JSONEncoder().encode(share)))?.map {
      try JSONDecoder().decode(EvaluationShare.self, from: Data($0))
    }
  }
}

/// Thrown by every process of the group when one of them was asked to stop.
public struct EvaluationStopped: Error {}

extension Unroller {
  /// Runs one epoch an optimizee, forward only.
  ///
  /// The optimizees are those of epochs 0, 1, ... of the phase, one a task: every evaluation with one
  /// seed sees the same ones, whichever optimizer steps them. Shared out over the group's processes.
  ///
  /// - Parameters:
  ///   - epochs: optimizees of each task.
  ///   - unrollLength: steps between two extra evaluations of the loss, as in training; the final
  ///     loss is that after the last whole unroll.
  ///   - curves: whether every loss of an epoch is kept.
  ///   - updates: whether the nets' updates are counted by size, the same on all processes; costs
  ///     about 3 ns an update.
  ///   - shouldStop: asked after every step; the processes agree after every optimizee.
  /// - Throws: `EvaluationStopped`, and what the group throws.
  public func evaluate(
    epochs: Int, stepCount: Int, unrollLength: Int, seed: UInt64, phase: OptimizeePhase,
    group: any ProcessGroup, curves keepsCurves: Bool = false, updates countsUpdates: Bool = false,
    shouldStop: () -> Bool = { false }, progress: (_ epochsDone: Int) -> Void = { _ in }
  ) throws -> Evaluation {
    let taskCount = experiment.tasks.count
    let total = epochs * taskCount
    var finalLosses = [Double](repeating: .infinity, count: total)
    var normalized = finalLosses
    var curves: [[Float]] = []
    var divergences: [Divergence] = []
    var histograms: [[Histogram]] = []
    defer { updates = nil }
    // Who has been told to stop is not asked again: the answer may be given once.
    var stops = false
    func stopping() -> Bool {
      stops = stops || shouldStop()
      return stops
    }
    try group.inTurn(total, shouldStop: stopping) { item in
      let key = OptimizeeKey(
        seed: seed, phase: phase, epoch: item / taskCount, instance: item % taskCount)
      var optimizee = makeOptimizee(key, plannedSteps: stepCount)
      if countsUpdates { updates = engines.map { _ in Histogram() } }
      var curve: [Float] = []
      do throws(Divergence) {
        let isDone = try run(
          &optimizee, steps: stepCount, unrollLength: unrollLength, curve: &curve,
          shouldStop: stopping)
        if isDone, let last = curve.last {
          finalLosses[item] = Double(last)
          normalized[item] = experiment.task(of: key).family
            .normalized(Double(last), of: optimizee.problem)
        }
      } catch {
        divergences.append(error)
      }
      curves.append(keepsCurves ? curve : [])
      if let updates { histograms.append(updates) }
      progress(item + 1)
    }
    try group.gather(&finalLosses)
    try group.gather(&normalized)
    let mine = EvaluationShare(curves: curves, divergences: divergences, updates: histograms)
    let shares = try group.gatherShares(mine) ?? [mine]
    return Evaluation(
      finalLosses: finalLosses, normalizedLosses: normalized, taskCount: taskCount,
      curves: shares.flatMap(\.curves), divergences: shares.flatMap(\.divergences),
      updates: countsUpdates
        ? engines.indices.map { net in
          shares.flatMap(\.updates).reduce(into: Histogram()) { $0.add($1[net]) }
        } : [])
  }

  /// Unrolls an optimizee to its last whole unroll; says whether it got there.
  private func run(
    _ optimizee: inout Optimizee, steps: Int, unrollLength: Int, curve: inout [Float],
    shouldStop: () -> Bool
  ) throws(Divergence) -> Bool {
    let unrolls = steps / unrollLength
    for unroll in 0..<unrolls {
      for _ in 0..<unrollLength {
        if shouldStop() { return false }
        curve.append(try step(&optimizee))
      }
      if unroll == unrolls - 1 {
        curve.append(try finalLoss(&optimizee))
      } else {
        // The position in the minibatch stream moves on as in training.
        optimizee.evaluations += 1
      }
    }
    return true
  }
}

extension ProcessGroup {
  /// Calls `body` with each item of this process's share; after each all processes agree on whether
  /// to stop.
  ///
  /// - Throws: `EvaluationStopped` on all when one was asked to stop.
  package func inTurn(
    _ count: Int, shouldStop: () -> Bool, _ body: (_ item: Int) throws -> Void
  ) throws {
    let share = share(of: count)
    // Rank 0 has the largest share.
    let rounds = (count + self.count - 1) / self.count
    for round in 0..<rounds {
      if round < share.count { try body(share.lowerBound + round) }
      var stops: [Int64] = [shouldStop() ? 1 : 0]
      try maximum(&stops)
      guard stops[0] == 0 else { throw EvaluationStopped() }
    }
  }
}
