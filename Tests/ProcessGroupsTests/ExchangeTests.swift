import ProcessGroups
import Tensors
import TestSupport
import Testing

/// Counts what goes over the wire.
private final class CountingGroup: ProcessGroup {
  let rank = 0
  let count = 1
  let host = ""
  private(set) var calls: [String] = []

  func maximum(_ values: inout [Int64]) { calls.append("maximum \(values.count)") }
  func sum(_ values: inout [Int64]) { calls.append("sum \(values.count)") }
  func gather(_ bytes: [UInt8]) -> [[UInt8]]? {
    calls.append("gather")
    return [bytes]
  }
  func broadcast(_ bytes: inout [UInt8]) { calls.append("broadcast") }
}

/// Three words, one of them a number that may be no number.
private struct Report: WordCodable, Equatable {
  static let wordCount = 3
  var bits: UInt64
  var count: Int64
  var flag: Int64

  init(bits: UInt64, count: Int64, flag: Int64) {
    (self.bits, self.count, self.flag) = (bits, count, flag)
  }

  init(words: ArraySlice<Int64>) {
    let words = Array(words)
    self.init(bits: UInt64(bitPattern: words[0]), count: words[1], flag: words[2])
  }

  var words: [Int64] { [Int64(bitPattern: bits), count, flag] }
}

@Suite("Exchange")
struct ExchangeTests {
  private static let length = 33

  /// Numbers of many magnitudes; every third vector is missing.
  private static func vectors(_ count: Int, missing: Bool = true) -> [[Double]?] {
    var random = RandomStream(seed: 9, purpose: .test)
    return (0..<count).map { vector in
      let values = (0..<length).map { index in
        Double(random.nextNormal()) * (index.isMultiple(of: 2) ? 1e-6 : 1e3)
      }
      return missing && vector % 3 == 2 ? nil : values
    }
  }

  /// What every rank of a group reads: the sum, and its parts.
  ///
  /// - Parameter cuts: where the vectors of a rank begin, and the end of the last's.
  private static func sums(_ vectors: [[Double]?], cuts: [Int], parts: Int) -> [[[Double]]] {
    FakeGroup.run(ranks: cuts.count - 1) { group in
      var exchange = Exchange(summands: vectors.count)
      let mine = cuts[group.rank]..<cuts[group.rank + 1]
      let sum = exchange.sum(
        Array(vectors[mine]), count: length, parts: parts, first: mine.lowerBound)
      try exchange.run(on: group)
      return [exchange[sum]] + (0..<parts).map { exchange[sum, part: $0] }
    }.compactMap { try? $0.get() }
  }

  private static let sharings: [[Int]] = [
    [0, 7], [0, 4, 7], [0, 0, 7], [0, 7, 7], [0, 3, 5, 7], [0, 1, 1, 7], [0, 2, 4, 6, 7],
    [0, 0, 6, 6, 7],
  ]

  @Test("sums have the same bits on every rank, however the vectors are shared out")
  func sharing() throws {
    let vectors = Self.vectors(7)
    for parts in 1...3 {
      let expected = try #require(Self.sums(vectors, cuts: [0, 7], parts: parts).first)
      for cuts in Self.sharings {
        let found = Self.sums(vectors, cuts: cuts, parts: parts)
        #expect(found.count == cuts.count - 1)
        for each in found { #expect(each == expected, "\(cuts), \(parts) parts") }
      }
    }
  }

  @Test("sums and parts are those of the vectors, to the documented rounding")
  func values() throws {
    let vectors = Self.vectors(7)
    let found = try #require(Self.sums(vectors, cuts: [0, 3, 7], parts: 2).first)
    for part in -1..<2 {
      for index in 0..<Self.length {
        let chosen = vectors.enumerated().filter { part < 0 || $0.offset % 2 == part }
        let exact = chosen.compactMap { $0.element?[index] }.reduce(0, +)
        // Seven summands below 2^12 keep 59 bits, to 2^-48; doubles themselves have 53.
        let bound = 7 * 0x1p-48 + 7 * abs(exact) * 0x1p-53
        #expect(abs(found[part + 1][index] - exact) <= bound, "part \(part), \(index)")
      }
    }
  }

  @Test("the sum of the parts is the whole, bit for bit where numbers are whole")
  func parts() throws {
    let vectors: [[Double]?] = (0..<6).map { vector in
      (0..<Self.length).map { Double(vector * 100 + $0) }
    }
    let found = try #require(Self.sums(vectors, cuts: [0, 6], parts: 3).first)
    for index in 0..<Self.length {
      #expect(found[0][index] == Double(1500 + 6 * index))
      for part in 0..<3 {
        #expect(found[part + 1][index] == Double(100 * (2 * part + 3) + 2 * index))
      }
    }
  }

  @Test("without vectors, or of zeros alone, a sum is 0")
  func nothing() throws {
    let zeros = [Double](repeating: 0, count: Self.length)
    let none = [[Double]?](repeating: nil, count: 7)
    let some: [[Double]?] = [nil, zeros, nil, nil, zeros, nil, nil]
    for vectors in [none, some] {
      let found = Self.sums(vectors, cuts: [0, 4, 7], parts: 2)
      #expect(found == Array(repeating: Array(repeating: zeros, count: 3), count: 2))
    }
  }

  @Test("several sums, values and votes share one maximum and one sum")
  func oneMessage() throws {
    let group = CountingGroup()
    var exchange = Exchange(summands: 2)
    let long = exchange.sum([[1, 2], [3, 4]], count: 2, parts: 2)
    let losses = exchange.gather([0.5, .infinity], share: 0..<2, of: 2)
    let short = exchange.sum([[1e300], nil], count: 1)
    let yes = exchange.vote(true)
    let empty = exchange.sum([nil, nil], count: 0)
    let no = exchange.vote(false)
    try exchange.run(on: group)
    // Three exponents and two votes; 4 + 2 + 1 words.
    #expect(group.calls == ["maximum 5", "sum 7"])
    #expect(exchange[long] == [4, 6])
    #expect(exchange[long, part: 1] == [3, 4])
    #expect(exchange[losses] == [0.5, .infinity])
    // 61 bits of it.
    #expect(abs(exchange[short][0] / 1e300 - 1) < 1e-15)
    #expect(exchange[empty] == [])
    #expect(exchange[yes] && !exchange[no])
  }

  @Test("every rank gathers the values of all, NaN and -0 bit for bit")
  func gathering() throws {
    let values: [UInt64] = [Double.nan, -0.0, .infinity, 1.5, .leastNonzeroMagnitude]
      .map(\.bitPattern)
    for ranks in 1...4 {
      let found = FakeGroup.run(ranks: ranks) { group in
        let share = group.share(of: values.count)
        var exchange = Exchange(summands: values.count)
        let reports = exchange.gather(
          share.map { Report(bits: values[$0], count: Int64($0), flag: -1) }, share: share,
          of: values.count)
        let numbers = exchange.gather(
          share.map { Double(bitPattern: values[$0]) }, share: share, of: values.count)
        let counts = exchange.gather(share.map { Int64($0) << 60 }, share: share, of: values.count)
        try exchange.run(on: group)
        return (exchange[reports], exchange[numbers].map(\.bitPattern), exchange[counts])
      }
      #expect(found.count == ranks)
      for each in found {
        let (reports, numbers, counts) = try each.get()
        #expect(reports.map(\.bits) == values)
        #expect(reports.map(\.count) == [0, 1, 2, 3, 4])
        #expect(reports.allSatisfy { $0.flag == -1 })
        #expect(numbers == values)
        #expect(counts == (0..<5).map { Int64($0) << 60 })
      }
    }
  }

  @Test("a vote is yes on every rank as soon as one says so")
  func votes() throws {
    for ranks in 1...4 {
      for voter in -1..<ranks {
        let found = FakeGroup.run(ranks: ranks) { group in
          var exchange = Exchange(summands: 1)
          let first = exchange.vote(group.rank == voter)
          let second = exchange.vote(false)
          try exchange.run(on: group)
          return [exchange[first], exchange[second]]
        }
        for each in found { #expect(try each.get() == [voter >= 0, false]) }
      }
    }
  }

  @Test("what a group throws ends the exchange")
  func failure() {
    struct Lost: Error {}
    final class Broken: ProcessGroup {
      let (rank, count, host) = (0, 2, "")
      func maximum(_ values: inout [Int64]) throws { throw Lost() }
      func sum(_ values: inout [Int64]) throws {}
      func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? { nil }
      func broadcast(_ bytes: inout [UInt8]) throws {}
    }
    var exchange = Exchange(summands: 1)
    _ = exchange.vote(true)
    #expect(throws: Lost.self) { try exchange.run(on: Broken()) }
  }
}
