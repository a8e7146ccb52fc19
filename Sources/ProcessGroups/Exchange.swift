/// A value as a fixed number of 64-bit words, so that it can travel in a sum of integers.
public protocol WordCodable {
  /// How many words a value takes.
  static var wordCount: Int { get }
  /// The value's words.
  var words: [Int64] { get }
  /// The value of these words; all zeros is a process that has said nothing.
  init(words: ArraySlice<Int64>)
}

extension Double: WordCodable {
  /// One.
  public static var wordCount: Int { 1 }
  /// The bit pattern.
  public var words: [Int64] { [word] }
  /// The number of a bit pattern.
  public init(words: ArraySlice<Int64>) { self.init(word: words[words.startIndex]) }

  /// The bit pattern.
  package var word: Int64 { Int64(bitPattern: bitPattern) }
  /// The number of a bit pattern.
  package init(word: Int64) { self.init(bitPattern: UInt64(bitPattern: word)) }
}

extension Int64: WordCodable {
  /// One.
  public static var wordCount: Int { 1 }
  /// Itself.
  public var words: [Int64] { [self] }
  /// Itself.
  public init(words: ArraySlice<Int64>) { self = words[words.startIndex] }
}

/// What the processes of a group tell each other in one step: exact sums of vectors, values of each
/// process's share, and votes.
///
///     var exchange = Exchange(summands: 8)
///     let gradient = exchange.sum(gradients, count: 347)
///     let losses = exchange.gather(losses, share: share, of: 8)
///     let stops = exchange.vote(wantsToStop)
///     try exchange.run(on: group)
///     exchange[gradient]; exchange[losses]; exchange[stops]
///
/// On the wire it is one maximum of a few integers (the vectors' exponents, the votes) and one sum of
/// integers, whatever is added. Every process must add the same in the same order. The sums don't
/// depend on how summands are shared out; see `ReproducibleSum`.
public struct Exchange {
  /// Where the sum of vectors will be.
  public struct Sum: Sendable {
    fileprivate let index: Int
  }
  /// Where the values of all shares will be.
  public struct Gathering<Value: WordCodable>: Sendable {
    @usableFromInline let words: Range<Int>
    @usableFromInline init(words: Range<Int>) { self.words = words }
  }
  /// Where the outcome of a vote will be.
  public struct Vote: Sendable {
    fileprivate let slot: Int
  }
  /// Where the time went, in seconds.
  public struct Timing: Sendable {
    /// Until the last process arrived.
    public var wait: Double
    /// In the sum.
    public var reduce: Double
  }

  private struct Summands {
    let vectors: [(part: Int, values: [Double])]
    let words: Range<Int>
    let count: Int
    let slot: Int
  }

  private let exact: ReproducibleSum
  private var maxima: [Int64] = []
  private var message: [Int64] = []
  private var sums: [Summands] = []

  /// An exchange whose sums have at most so many vectors, over all processes.
  public init(summands: Int) { exact = ReproducibleSum(summands: summands) }

  /// Adds up vectors of `count` finite numbers over all processes; nil ones are left out.
  ///
  /// - Parameter parts: in how many parts the sum is wanted besides the whole: vector i of this
  ///   process belongs to part (`first` + i) modulo `parts`.
  public mutating func sum(
    _ vectors: [[Double]?], count: Int, parts: Int = 1, first: Int = 0
  ) -> Sum {
    let given = vectors.enumerated().compactMap { index, values in
      values.map { (part: (first + index) % parts, values: $0) }
    }
    let exponents = given.compactMap { ReproducibleSum.exponent(of: $0.values) }
    let start = message.count
    message += [Int64](repeating: 0, count: count * parts)
    sums.append(
      Summands(
        vectors: given, words: start..<message.count, count: count, slot: maxima.count))
    maxima.append(Int64(exponents.max() ?? Int(Int32.min)))
    return Sum(index: sums.count - 1)
  }

  /// Gathers `total` values, of which this process knows its share.
  @inlinable
  public mutating func gather<Value: WordCodable>(
    _ values: [Value], share: Range<Int>, of total: Int
  ) -> Gathering<Value> {
    precondition(values.count == share.count, "\(values.count) values for \(share)")
    var words: [Int64] = []
    words.reserveCapacity(values.count * Value.wordCount)
    for value in values { words += value.words }
    return Gathering(
      words: gather(
        words, from: share.lowerBound * Value.wordCount, of: total * Value.wordCount))
  }

  /// Gathers `total` words, of which this process knows those that start at `first`.
  @usableFromInline
  mutating func gather(_ words: [Int64], from first: Int, of total: Int) -> Range<Int> {
    let start = message.count
    message += [Int64](repeating: 0, count: total)
    for (offset, word) in words.enumerated() { message[start + first + offset] = word }
    return start..<message.count
  }

  /// Words that were gathered.
  @usableFromInline func gathered(_ words: Range<Int>) -> ArraySlice<Int64> { message[words] }

  /// Asks whether any process says yes.
  public mutating func vote(_ yes: Bool) -> Vote {
    maxima.append(yes ? 1 : 0)
    return Vote(slot: maxima.count - 1)
  }

  /// Tells the others and hears from them; results are there afterwards.
  ///
  /// - Throws: what the group throws.
  @discardableResult
  public mutating func run(on group: any ProcessGroup) throws -> Timing {
    let clock = ContinuousClock()
    let arrival = clock.now
    try group.maximum(&maxima)
    let meeting = clock.now
    for sum in sums where maxima[sum.slot] > Int64(Int32.min) {
      for (part, values) in sum.vectors {
        let start = sum.words.lowerBound + part * sum.count
        exact.add(
          values, exponent: Int(maxima[sum.slot]), to: &message[start..<start + sum.count])
      }
    }
    try group.sum(&message)
    return Timing(
      wait: (meeting - arrival).inSeconds, reduce: (clock.now - meeting).inSeconds)
  }

  /// The sum of all vectors.
  public subscript(sum: Sum) -> [Double] {
    let summands = sums[sum.index]
    let parts = summands.words.count / max(summands.count, 1)
    return (0..<summands.count).map { index in
      var total: Int64 = 0
      for part in 0..<parts {
        total &+= message[summands.words.lowerBound + part * summands.count + index]
      }
      return exact.value(total, exponent: Int(maxima[summands.slot]))
    }
  }

  /// One part of a sum.
  public subscript(sum: Sum, part part: Int) -> [Double] {
    let summands = sums[sum.index]
    let start = summands.words.lowerBound + part * summands.count
    return message[start..<start + summands.count].map {
      exact.value($0, exponent: Int(maxima[summands.slot]))
    }
  }

  /// The values of all shares, in order.
  @inlinable
  public subscript<Value: WordCodable>(gathering: Gathering<Value>) -> [Value] {
    let words = gathered(gathering.words)
    return stride(from: words.startIndex, to: words.endIndex, by: Value.wordCount)
      .map { Value(words: words[$0..<$0 + Value.wordCount]) }
  }

  /// Whether any process said yes.
  public subscript(vote: Vote) -> Bool { maxima[vote.slot] != 0 }
}

extension Duration {
  /// The duration in seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
