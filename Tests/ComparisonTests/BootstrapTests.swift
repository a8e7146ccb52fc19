import Comparison
import Tensors
import Testing

@Suite("bootstrap intervals")
struct BootstrapTests {
  @Test("small samples have the intervals that counting all resamples gives")
  func knownAnswers() {
    // With one value c among n - 1 zeros, n times the mean over c is binomial(n, 1/n).
    // n = 3: P(0) = .296, P(<= 2) = .963. n = 5: P(0) = .328, P(<= 2) = .942, P(<= 3) = .993.
    let cases: [(values: [Double], low: Double, high: Double)] = [
      ([0, 1], 0, 1), ([0, 0, 3], 0, 3), ([0, 0, 0, 0, 5], 0, 3), ([2, 2, 2, 2], 2, 2),
      ([7], 7, 7), ([0, .infinity, 0, 0, 0, 5], 0, 3),
    ]
    for (values, low, high) in cases {
      for seed in [UInt64(0), 1, 99, .max] {
        let interval = Bootstrap(seed: seed).interval(values)
        #expect(interval.low == low && interval.high == high, "\(values)")
      }
    }
    #expect(
      Bootstrap(seed: 0).interval([.infinity, .infinity])
        == Interval(low: .infinity, high: .infinity))
  }

  @Test("an interval follows from the seed")
  func seeds() {
    let values = (0..<30).map { Double($0 * $0) }
    #expect(Bootstrap(seed: 3).interval(values) == Bootstrap(seed: 3).interval(values))
    #expect(Bootstrap(seed: 3).interval(values) != Bootstrap(seed: 4).interval(values))
  }

  @Test("for many values the interval is the mean plus or minus 1.96 standard errors")
  func manyValues() {
    var stream = RandomStream(seed: 1, purpose: .test)
    let values = (0..<2_000).map { _ in Double(stream.nextUniform()) }
    let mean = Statistics.mean(values)
    let variance = Statistics.mean(values.map { ($0 - mean) * ($0 - mean) })
    let half = 1.96 * (variance / 2_000).squareRoot()
    let interval = Bootstrap(seed: 5).interval(values)
    // The 2.5% quantile of 2,000 means has a standard deviation of 6% of a standard error.
    #expect(abs(interval.low - (mean - half)) < 0.12 * half)
    #expect(abs(interval.high - (mean + half)) < 0.12 * half)
  }

  @Test(
    "intervals hold the true mean as often as they say",
    arguments: [(10, 0.90), (50, 0.94), (100, 0.945)])
  func coverage(count: Int, expected: Double) {
    // Bounds: three standard deviations of a share of 1,000.
    for isNormal in [true, false] {
      var hits = 0
      for sample in 0..<1_000 {
        var stream = RandomStream(seed: 2, purpose: .test, epoch: sample, instance: count)
        let values = (0..<count).map { _ in
          // Mean 1 both: normal and uniform.
          isNormal ? 1 + Double(stream.nextNormal()) : 2 * Double(stream.nextUniform())
        }
        let interval = Bootstrap(seed: UInt64(sample)).interval(values)
        if interval.low <= 1 && 1 <= interval.high { hits += 1 }
      }
      let deviation = (expected * (1 - expected) / 1_000).squareRoot()
      #expect(abs(Double(hits) / 1_000 - expected) < 3 * deviation, "\(hits) of 1000, \(isNormal)")
    }
  }
}
