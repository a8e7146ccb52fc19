/// Figures of a sample of losses, in which an infinite loss is that of a run that diverged.
///
/// Means are over the finite losses, so the number of the others has to stand beside them; quantiles
/// count an infinite loss as larger than all others.
package enum Statistics {
  /// The mean of the finite values, added in their order; infinite when there is none.
  package static func mean(_ values: some Sequence<Double>) -> Double {
    var sum = 0.0
    var count = 0
    for value in values where value.isFinite {
      sum += value
      count += 1
    }
    return count > 0 ? sum / Double(count) : .infinity
  }

  /// The quantile of values in ascending order, interpolated linearly between neighbours: that at
  /// position p (n - 1), counted from 0 (type 7 of Hyndman and Fan, "Sample quantiles in statistical
  /// packages", 1996; the default of R and NumPy).
  ///
  /// - Returns: infinity when a neighbour with a share in it is infinite; NaN for no values.
  package static func quantile(_ probability: Double, ofSorted values: [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let position = probability * Double(values.count - 1)
    let index = min(max(Int(position), 0), values.count - 1)
    let share = position - Double(index)
    guard share > 0, index + 1 < values.count else { return values[index] }
    guard values[index + 1].isFinite else { return .infinity }
    return values[index] + share * (values[index + 1] - values[index])
  }

  /// The median: the quantile of 1/2.
  package static func median(_ values: some Sequence<Double>) -> Double {
    quantile(0.5, ofSorted: values.sorted())
  }

  /// The mean of the middle half of the values: of n in ascending order those from n / 4 on, rounded
  /// down, to as many from the end.
  ///
  /// Outliers don't count, and it varies less from sample to sample than a median (Agarwal et al.,
  /// "Deep reinforcement learning at the edge of the statistical precipice", 2021,
  /// https://arxiv.org/abs/2108.13264); equal to rliable's and to SciPy's `trim_mean` of 0.25.
  ///
  /// - Returns: NaN for no values.
  package static func interquartileMean(_ values: some Sequence<Double>) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    let cut = sorted.count / 4
    let middle = sorted[cut..<sorted.count - cut]
    return middle.reduce(0, +) / Double(middle.count)
  }

  /// The share of values above each threshold: a performance profile.
  package static func shares(of values: [Double], above thresholds: [Double]) -> [Double] {
    thresholds.map { threshold in
      Double(values.count { $0 > threshold }) / Double(max(values.count, 1))
    }
  }

  /// The mean height of a curve: the trapezoid rule's area, divided by the number of steps.
  ///
  /// - Returns: infinity when a value is infinite; the value itself where there is only one.
  package static func area(under curve: [Double]) -> Double {
    guard let first = curve.first, let last = curve.last else { return .nan }
    guard curve.count > 1 else { return first }
    let inner = curve.dropFirst().dropLast().reduce(0, +)
    return ((first + last) / 2 + inner) / Double(curve.count - 1)
  }

  /// The share of pairs in which the first loss is the smaller one; equal ones count half, and so do
  /// two runs that both diverged.
  ///
  /// - Precondition: as many of the one as of the other.
  package static func winRate(of losses: [Double], against others: [Double]) -> Double {
    let wins = zip(losses, others).reduce(0.0) { wins, pair in
      wins + (pair.0 < pair.1 ? 1 : pair.0 == pair.1 ? 0.5 : 0)
    }
    return wins / Double(losses.count)
  }
}
