public import Tensors

/// Counts numbers by size, in bins that cut each power of two into four.
///
/// A bin holds the float32 numbers that agree in sign, exponent and the first two bits of the
/// mantissa, so finding it is one shift of the bit pattern, and the borders are exact. Counts don't
/// depend on any order. Sums do: of numbers that several processes have, add one histogram a part in
/// a fixed order.
///
/// Numbers that are not finite are left out.
public struct Histogram: Equatable, Sendable {
  // The place of a bin is in the order of its numbers: -infinity's first, 0 in the middle.
  private static let half = 1 << 10
  private var counts = [Int](repeating: 0, count: 2 * half)
  /// How many numbers were counted.
  public private(set) var count = 0
  /// The smallest number; beyond all numbers when there is none.
  public private(set) var minimum = Float.greatestFiniteMagnitude
  /// The largest number; below all numbers when there is none.
  public private(set) var maximum = -Float.greatestFiniteMagnitude
  /// The sum.
  public private(set) var sum = 0.0
  /// The sum of the squares.
  public private(set) var sumOfSquares = 0.0

  /// An empty histogram.
  public init() {}

  /// Counts all elements of a tensor.
  public mutating func add(_ values: Tensor) {
    var (sum, squares, low, high, added) = (0.0, 0.0, minimum, maximum, 0)
    values.withUnsafeFloats { floats in
      counts.withUnsafeMutableBufferPointer { counts in
        for index in 0..<values.count {
          let value = floats[index]
          guard value.isFinite else { continue }
          let code = Int(value.bitPattern >> 21)
          counts[code < Self.half ? Self.half + code : 2 * Self.half - 1 - code] += 1
          added += 1
          sum += Double(value)
          squares += Double(value) * Double(value)
          low = value < low ? value : low
          high = value > high ? value : high
        }
      }
    }
    count += added
    self.sum += sum
    sumOfSquares += squares
    (minimum, maximum) = (low, high)
  }

  /// Adds what another histogram has counted.
  public mutating func add(_ other: Histogram) {
    for bin in counts.indices { counts[bin] += other.counts[bin] }
    count += other.count
    sum += other.sum
    sumOfSquares += other.sumOfSquares
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }

  /// The bins from the lowest to the highest number, each with its upper border; neighbours without
  /// numbers are one.
  public var bins: [(upperBorder: Double, count: Int)] {
    guard let first = counts.firstIndex(where: { $0 > 0 }),
      let last = counts.lastIndex(where: { $0 > 0 })
    else { return [] }
    var result: [(upperBorder: Double, count: Int)] = []
    for bin in first...last {
      if counts[bin] == 0, result.last?.count == 0 { result.removeLast() }
      result.append((Self.upperBorder(bin), counts[bin]))
    }
    return result
  }

  private static func upperBorder(_ bin: Int) -> Double {
    bin < half
      ? -Double(Float(bitPattern: UInt32(half - 1 - bin) << 21))
      : bin - half + 1 < 0xFF << 2
        ? Double(Float(bitPattern: UInt32(bin - half + 1) << 21))
        : Double(Float.greatestFiniteMagnitude)
  }
}

// MARK: - As JSON, in which processes tell each other: the bins that are not empty

extension Histogram: Codable {
  private struct Parts: Codable {
    let bins: [Int]
    let counts: [Int]
    let extremes: [Float]
    let sums: [Double]
  }

  /// Reads what `encode(to:)` wrote.
  public init(from decoder: any Decoder) throws {
    let parts = try Parts(from: decoder)
    guard parts.bins.count == parts.counts.count, parts.extremes.count == 2, parts.sums.count == 2,
      parts.bins.allSatisfy({ counts.indices.contains($0) })
    else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no histogram"))
    }
    for (bin, count) in zip(parts.bins, parts.counts) { counts[bin] = count }
    count = parts.counts.reduce(0, +)
    (minimum, maximum) = (parts.extremes[0], parts.extremes[1])
    (sum, sumOfSquares) = (parts.sums[0], parts.sums[1])
  }

  /// Writes bins with numbers, extremes and sums.
  public func encode(to encoder: any Encoder) throws {
    let bins = counts.indices.filter { counts[$0] > 0 }
    try Parts(
      bins: bins, counts: bins.map { counts[$0] }, extremes: [minimum, maximum],
      sums: [sum, sumOfSquares]
    ).encode(to: encoder)
  }
}
