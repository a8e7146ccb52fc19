/// Losses at some of the steps of a run.
package struct LossCurve: Equatable, Sendable {
  /// The steps, ascending.
  package let steps: [Double]
  /// The loss at each, infinite from where the run diverged.
  package let losses: [Double]

  /// Losses at steps.
  ///
  /// - Precondition: as many losses as steps, at least one.
  package init(steps: [Double], losses: [Double]) {
    precondition(
      steps.count == losses.count && !steps.isEmpty, "\(losses.count) losses at \(steps.count)")
    self.steps = steps
    self.losses = losses
  }

  /// The loss at the last step.
  package var final: Double { losses[losses.count - 1] }

  /// The number of the last step.
  package var length: Double { steps[steps.count - 1] }

  /// The step at which the curve first came down to a loss, on straight lines between the known
  /// steps; nil when it never did.
  package func step(reaching loss: Double) -> Double? {
    guard let index = losses.firstIndex(where: { $0 <= loss }) else { return nil }
    guard index > 0, losses[index - 1].isFinite else { return steps[index] }
    let (above, below) = (losses[index - 1], losses[index])
    let share = above > below ? (above - loss) / (above - below) : 1
    return steps[index - 1] + share * (steps[index] - steps[index - 1])
  }

  /// How many times fewer steps than the baseline this run took to the same loss: to the larger of
  /// both final ones, which both have reached.
  ///
  /// Both steps are those at which a curve first came as low, one at least. So a run that ends above the
  /// baseline's end is worth the step at which the baseline had come as low, over its own, and the
  /// speedup of one over another is the reciprocal of the other's over it.
  ///
  /// - Returns: 0 when this run diverged or did not descend; nil when the baseline did, which then says
  ///   nothing.
  package func speedup(over baseline: LossCurve) -> Double? {
    guard baseline.final.isFinite, baseline.final < baseline.losses[0] else { return nil }
    guard final.isFinite, final < losses[0] else { return 0 }
    let loss = max(final, baseline.final)
    guard let own = step(reaching: loss), let other = baseline.step(reaching: loss) else {
      return nil
    }
    return max(other, 1) / max(own, 1)
  }

  /// How much of the baseline's descent this run made: 1 as much, 0 none, or less when it rose.
  ///
  /// - Returns: 0 when this run diverged or rose; nil when the baseline diverged or did not descend.
  package func progress(over baseline: LossCurve) -> Double? {
    let descent = baseline.losses[0] - baseline.final
    guard descent.isFinite, descent > 0 else { return nil }
    guard final.isFinite else { return 0 }
    return max((losses[0] - final) / descent, 0)
  }

  /// The baseline's final loss over this run's.
  ///
  /// - Returns: 0 when this run diverged; nil when a loss is not above 0 or the baseline diverged.
  package func ratio(over baseline: LossCurve) -> Double? {
    guard baseline.final.isFinite, baseline.final > 0 else { return nil }
    guard final.isFinite else { return 0 }
    return final > 0 ? baseline.final / final : nil
  }
}
