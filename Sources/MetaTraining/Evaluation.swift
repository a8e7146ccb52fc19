internal import Foundation

/// The result of unrolling fresh optimizees without changing weights.
public struct Evaluation: Sendable {
  /// The final loss of each epoch, infinite where the optimizee diverged.
  public let finalLosses: [Double]
  /// The losses of each epoch from f_0 to f_T, where they were asked for; on rank 0 all epochs', on
  /// others those of their share.
  public let curves: [[Float]]
  /// What diverged.
  public let divergences: [Divergence]
  /// For each net, the updates that it gave all epochs' optimizees, on rank 0; empty where not asked
  /// for.
  public let updates: [Histogram]

  /// The mean final loss, infinite when any optimizee diverged.
  public var mean: Double { finalLosses.reduce(0, +) / Double(finalLosses.count) }
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

extension Unroller {
  /// Runs one epoch an optimizee, forward only.
  ///
  /// The optimizees are those of epochs 0, 1, ... of the phase: every evaluation with one seed sees
  /// the same ones, whichever optimizer steps them. Shared out over the group's processes.
  ///
  /// - Parameters:
  ///   - unrollLength: steps between two extra evaluations of the loss, as in training; the final
  ///     loss is that after the last whole unroll.
  ///   - curves: whether every loss of an epoch is kept.
  ///   - updates: whether the nets' updates are counted by size, the same on all processes; costs
  ///     about 3 ns an update.
  public func evaluate(
    epochs: Int, stepCount: Int, unrollLength: Int, seed: UInt64, phase: InstancePhase,
    group: any ProcessGroup, curves keepsCurves: Bool = false, updates countsUpdates: Bool = false,
    progress: (_ epochsDone: Int) -> Void = { _ in }
  ) throws -> Evaluation {
    var finalLosses = [Double](repeating: .infinity, count: epochs)
    var curves: [[Float]] = []
    var divergences: [Divergence] = []
    var histograms: [[Histogram]] = []
    defer { updates = nil }
    let unrolls = stepCount / unrollLength
    for epoch in group.share(of: epochs) {
      let key = InstanceKey(seed: seed, phase: phase, epoch: epoch, instance: 0)
      var instance = makeInstance(key)
      var curve: [Float] = []
      if countsUpdates { updates = engines.map { _ in Histogram() } }
      do {
        for unroll in 0..<unrolls {
          let outcome = try forward(
            &instance, steps: unrollLength, lossAtEnd: unroll == unrolls - 1)
          if keepsCurves { curve += outcome.losses }
          if unroll == unrolls - 1 { finalLosses[epoch] = Double(outcome.finalLoss) }
        }
      } catch {
        divergences.append(error)
      }
      curves.append(curve)
      if let updates { histograms.append(updates) }
      progress(epoch + 1)
    }
    try group.gather(&finalLosses)
    let mine = EvaluationShare(curves: curves, divergences: divergences, updates: histograms)
    let shares = try group.gatherShares(mine) ?? [mine]
    return Evaluation(
      finalLosses: finalLosses, curves: shares.flatMap(\.curves),
      divergences: shares.flatMap(\.divergences),
      updates: countsUpdates
        ? engines.indices.map { net in
          shares.flatMap(\.updates).reduce(into: Histogram()) { $0.add($1[net]) }
        } : [])
  }
}
