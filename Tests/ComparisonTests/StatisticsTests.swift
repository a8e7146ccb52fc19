import Comparison
import Testing

@Suite("statistics of losses")
struct StatisticsTests {
  @Test("a mean is over the finite values, infinite without any")
  func mean() {
    #expect(Statistics.mean([1, 2, 6]) == 3)
    #expect(Statistics.mean([1, .infinity, 3]) == 2)
    #expect(Statistics.mean([.infinity, .infinity]) == .infinity)
    #expect(Statistics.mean([Double]()) == .infinity)
  }

  @Test("quantiles are those of R's type 7")
  func quantiles() {
    let values = (1...10).map(Double.init)
    for (p, expected) in [(0, 1), (0.1, 1.9), (0.25, 3.25), (0.5, 5.5), (0.9, 9.1), (1, 10)] {
      #expect(abs(Statistics.quantile(p, ofSorted: values) - expected) < 1e-12)
    }
    #expect(Statistics.quantile(0.9, ofSorted: [7]) == 7)
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.quantile(0.5, ofSorted: []).isNaN)
  }

  @Test("an infinite loss is the largest one")
  func infiniteQuantiles() {
    #expect(Statistics.median([.infinity, 1, 2]) == 2)
    #expect(Statistics.median([.infinity, 1]) == .infinity)
    #expect(Statistics.median([.infinity, .infinity]) == .infinity)
    #expect(Statistics.quantile(0.9, ofSorted: [1, 2, 3, .infinity]) == .infinity)
    #expect(Statistics.quantile(0.5, ofSorted: [1, 2, 3, .infinity]) == 2.5)
  }

  @Test("the area of a curve is its mean height by the trapezoid rule")
  func area() {
    #expect(Statistics.area(under: [4, 2, 0]) == 2)
    #expect(Statistics.area(under: [4, 0, 0, 0, 0]) == 0.5)
    #expect(Statistics.area(under: [3]) == 3)
    #expect(Statistics.area(under: [1, .infinity, .infinity]) == .infinity)
  }

  @Test("a win is a smaller loss, equal losses and two divergences count half")
  func wins() {
    let inf = Double.infinity
    #expect(Statistics.winRate(of: [1, 2, 3, 4], against: [2, 2, 2, 2]) == 0.375)
    #expect(Statistics.winRate(of: [inf, 1, inf], against: [1, inf, inf]) == 0.5)
    #expect(Statistics.winRate(of: [inf, inf], against: [1, 1e30]) == 0)
  }
}
