internal import Tensors

/// The percentile bootstrap of figures over tasks and seeds, stratified by tasks (Agarwal et al.,
/// 2021, https://arxiv.org/abs/2108.13264, section 4.1): each resample has every task with as many runs
/// as it had, drawn with replacement from its own.
///
/// The 95% interval of a figure goes from the 2.5% to the 97.5% quantile of what it is on
/// `resamples` resamples. Resample r draws from the stream of purpose `bootstrap`, epoch r, task by
/// task and run by run, so an interval follows from the seed alone.
package struct StratifiedBootstrap: Sendable {
  /// How many resamples are taken.
  package let resamples: Int
  /// The seed of the draws.
  package let seed: UInt64

  /// A bootstrap with the draws of a seed.
  package init(seed: UInt64, resamples: Int = Bootstrap.resamples) {
    self.seed = seed
    self.resamples = resamples
  }

  /// The intervals of figures of a table of scores.
  ///
  /// - Parameters:
  ///   - table: the scores of each task's runs; a task without runs counts for nothing.
  ///   - figures: what is made of all scores of a resample, always as many numbers.
  /// - Returns: an interval a figure; NaN for a table without scores.
  package func intervals(
    of table: [[Double]], _ figures: ([Double]) -> [Double]
  ) -> [Interval] {
    let count = table.reduce(0) { $0 + $1.count }
    guard count > 0 else {
      return figures([]).map { _ in Interval(low: .nan, high: .nan) }
    }
    var columns: [[Double]] = []
    for resample in 0..<resamples {
      let values = figures(scores(of: table, resample: resample))
      if columns.isEmpty { columns = values.map { _ in [] } }
      for (column, value) in values.enumerated() { columns[column].append(value) }
    }
    return columns.map(Bootstrap.interval(ofResamples:))
  }

  /// The scores of one resample.
  private func scores(of table: [[Double]], resample: Int) -> [Double] {
    var stream = RandomStream(seed: seed, purpose: .bootstrap, epoch: resample)
    return table.flatMap { runs in
      runs.map { _ in runs[stream.nextInteger(below: runs.count)] }
    }
  }
}
