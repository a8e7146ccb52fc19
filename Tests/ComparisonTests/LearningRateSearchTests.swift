import Comparison
import Foundation
import Testing

@Suite("the search for a learning rate")
struct LearningRateSearchTests {
  private func search(
    trials: Int = LearningRateSearch.defaultTrials, _ loss: (Double) -> Double
  ) -> LearningRateSearch {
    var search = LearningRateSearch(trials: trials)
    while search.step({ loss(log10(Double($0))) }) {}
    return search
  }

  @Test("the grid is half decades from 10^-4 to 10")
  func grid() {
    let rates = search { $0 * $0 }.trials.prefix(LearningRateSearch.gridCount).map(\.rate)
    for (index, rate) in rates.enumerated() {
      #expect(abs(log10(Double(rate)) - (-4 + 0.5 * Double(index))) < 1e-6)
    }
  }

  @Test(
    "a valley's bottom is found to a thirty-second of a decade",
    arguments: [-3.9, -3, -2.26, -1.5, -0.52, 0.13, 0.7])
  func valley(bottom: Double) throws {
    let found = search { abs($0 - bottom) }
    let best = try #require(found.best)
    #expect(abs(log10(Double(best.rate)) - bottom) <= 1 / 32.0)
    #expect(!found.isBestAtEdge)
    #expect(found.trials.map(\.loss).min() == best.loss)
  }

  @Test("a bottom outside of the grid is found by extending it", arguments: [-6.2, -4.3, 1.2, 3.4])
  func extension_(bottom: Double) throws {
    let found = search { ($0 - bottom) * ($0 - bottom) }
    let best = try #require(found.best)
    #expect(abs(log10(Double(best.rate)) - bottom) <= 0.25)
    #expect(!found.isBestAtEdge)
  }

  @Test("every search has the same number of trials, and none twice")
  func budget() {
    let losses: [(Double) -> Double] = [
      { $0 }, { -$0 }, { _ in .infinity }, { _ in 1 }, { _ in .nan }, { abs($0) },
      { $0 > -1 ? .infinity : -$0 },
    ]
    for loss in losses {
      for trials in [1, 11, 15, LearningRateSearch.defaultTrials] {
        let rates = search(trials: trials, loss).trials.map(\.rate)
        #expect(rates.count == trials)
        #expect(Set(rates).count == trials)
      }
    }
  }

  @Test("a rate that is not finite loses; if all do, smaller ones are tried")
  func infinite() throws {
    let cliff = search { $0 > -1 ? .nan : -$0 }
    #expect(try #require(cliff.best).rate <= 0.1 + 1e-6)
    #expect(try #require(cliff.best).loss.isFinite)
    let none = search { _ in .infinity }
    #expect(none.isBestAtEdge)
    #expect(try #require(none.best).rate < 1e-7)
  }
}
