public import Tensors

/// A 64-bit hash of whatever ranks must have in common (FNV-1a over 64-bit words).
///
/// Finds accidents (another binary, a changed file, a flipped bit), not attacks.
public struct ContentHash: Equatable, Sendable {
  /// The hash so far.
  public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The hash of nothing.
  public init() {}

  /// The hash of a text.
  public init(_ text: String) {
    for byte in text.utf8 { add(UInt64(byte)) }
  }

  /// Adds a number.
  public mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0x0000_0100_0000_01B3
    value ^= value >> 29
  }

  /// Adds all elements of a tensor, bit for bit.
  public mutating func add(_ tensor: Tensor) {
    tensor.withUnsafeFloats { floats in
      for index in 0..<tensor.count { add(UInt64(floats[index].bitPattern)) }
    }
  }
}

/// Processes of one training that differ where they must be equal.
public struct Disagreement: Error, Equatable, Sendable {
  /// What differs, as `options` or `weights`.
  public let item: String
  /// The ranks whose value is not that of rank 0.
  public let ranks: [Int]
}

extension ProcessGroup {
  /// Compares named hashes between all processes; every process must call it.
  ///
  /// - Throws: `Disagreement` on every process, for the first item that differs.
  public func agree(on items: [(name: String, hash: UInt64)]) throws {
    guard count > 1 else { return }
    var slots = [Int64](repeating: 0, count: items.count * count)
    for (index, item) in items.enumerated() {
      slots[index * count + rank] = Int64(bitPattern: item.hash)
    }
    try sum(&slots)
    for (index, item) in items.enumerated() {
      let first = slots[index * count]
      let differing = (0..<count).filter { slots[index * count + $0] != first }
      guard differing.isEmpty else { throw Disagreement(item: item.name, ranks: differing) }
    }
  }
}
