import Foundation
import MetaGradients
import Testing
import TrainingTestSupport
import Unrolling

@Suite("Horizon")
struct HorizonTests {
  private func key(_ instance: Int, epoch: Int = 0, seed: UInt64 = 0) -> OptimizeeKey {
    OptimizeeKey(seed: seed, phase: .training, epoch: epoch, instance: instance)
  }

  @Test(
    "text is read, and written without what can go without saying",
    arguments: [
      ("100", "100", [100...100]), ("100..2000", "100..2000", [100...2000]),
      ("1..1", "1", [1...1]), (" 5 .. 7 ", "5..7", [5...7]),
      (
        "100, 200@1000, 100..2000@5000", "100,200@1000,100..2000@5000",
        [
          100...100, 200...200, 100...2000,
        ]
      ),
      ("7@0,9..9@3", "7,9@3", [7...7, 9...9]),
      (
        "100000000", "100000000",
        [
          100_000_000...100_000_000
        ]
      ),
    ])
  func text(given: String, written: String, lengths: [ClosedRange<Int>]) throws {
    let horizon = try #require(Horizon(given))
    #expect(horizon.stages.map(\.lengths) == lengths)
    #expect(horizon.description == written)
    #expect(Horizon(written) == horizon)
  }

  @Test(
    "malformed text is nothing",
    arguments: [
      "", " ", "a", "0", "-5", "5..2", "..5", "5..", "..", "1..2..3", "5...7", "0..7", "5@3",
      "5,6", "5,6@0", "5,6@10,7@10", "5,6@10,7@9", "5,6@-1", "5,6@x", "5,", ",5", "5,,6@3", "5@",
      "5@0@3", "1e3", "1.5", "100000001", "5..100000001", "99999999999999999999", "5/7", "5 7",
      "1 0..20", "5@1 0", "5..7/9", "+5", "٣",
    ])
  func malformed(text: String) { #expect(Horizon(text) == nil) }

  @Test("the shortest, the longest and the only length are those of all stages")
  func extremes() throws {
    let several = try #require(Horizon("50..70,20@10,60..90@20"))
    #expect((several.shortest, several.longest, several.constant) == (20, 90, nil))
    let one = try #require(Horizon("30,30@7"))
    #expect((one.shortest, one.longest, one.constant) == (30, 30, 30))
    #expect(Horizon(8) == Horizon("8") && Horizon(8...9) == Horizon("8..9"))
  }

  @Test("lengths of a range are log-uniform, and both ends are drawn")
  func logUniform() {
    let horizon = Horizon(3...7)
    let draws = 20_000
    var counts: [Int: Int] = [:]
    for particle in 0..<draws {
      counts[horizon.length(of: key(particle), metaStep: 0), default: 0] += 1
    }
    #expect(counts.keys.sorted() == [3, 4, 5, 6, 7])
    // Pearson's statistic with four degrees of freedom is above 18.5 once in a thousand.
    let statistic = counts.reduce(0.0) { sum, each in
      let share = log(Double(each.key + 1) / Double(each.key)) / log(8.0 / 3)
      let expected = share * Double(draws)
      return sum + (Double(each.value) - expected) * (Double(each.value) - expected) / expected
    }
    #expect(statistic < 18.5)
  }

  @Test("a length follows from seed, particle and trajectory, not from when it is asked for")
  func keys() {
    let horizon = Horizon(1...1_000_000)
    let keys = [key(0), key(1), key(0, epoch: 1), key(0, seed: 1)]
    let lengths = keys.map { horizon.length(of: $0, metaStep: 0) }
    #expect(Set(lengths).count == 4)
    #expect(keys.map { horizon.length(of: $0, metaStep: 99) } == lengths)
  }

  @Test("a stage holds from its meta-step on")
  func stages() throws {
    let horizon = try #require(Horizon("5,6..8@10,9@20"))
    for step in [0, 9] { #expect(horizon.length(of: key(0), metaStep: step) == 5) }
    for step in [10, 19] {
      let lengths = (0..<200).map { horizon.length(of: key($0), metaStep: step) }
      #expect(Set(lengths) == [6, 7, 8])
    }
    for step in [20, 1_000_000] { #expect(horizon.length(of: key(0), metaStep: step) == 9) }
  }

  @Test(
    "first trajectories are cut short by windows, each number of them alike",
    arguments: [
      (12, 3), (10, 4), (9, 1), (4, 4), (3, 5),
    ])
  func staggering(length: Int, window: Int) {
    let windows = (length + window - 1) / window
    let draws = 500 * windows
    var counts: [Int: Int] = [:]
    for particle in 0..<draws {
      let first = Horizon(length).firstLength(of: key(particle), length: length, window: window)
      counts[first, default: 0] += 1
    }
    #expect(Set(counts.keys) == Set((0..<windows).map { length - $0 * window }))
    // 500 each, give or take five deviations of 22.
    #expect(counts.values.allSatisfy { abs($0 - 500) < 110 })
  }
}
