extension ImageDataset {
  /// A 64-bit hash of the shape, the pixels and the labels, to compare between processes.
  ///
  /// Sets with different content have different hashes but for chance; it does not stand up to
  /// somebody who wants two to be equal. Pixels count in the order in which they are stored. Name
  /// and source are left out: the same files may lie elsewhere on another machine. It is the same
  /// on all platforms.
  ///
  /// - Complexity: one pass over all bytes, at a few GB/s in a release build; not cached.
  public func contentHash() -> UInt64 {
    var hash = WordHash()
    for value in [count, height, width, channels, classCount] { hash.combine(UInt64(value)) }
    for run in runs { hash.combine(run.pixels, count: run.count, size: bytesPerImage) }
    for run in runs { hash.combine(run.labels, count: run.count, size: 1) }
    return hash.value
  }
}

/// FNV-1a over 64-bit words instead of bytes, for speed, with a rotation that lets high bits reach
/// low ones.
private struct WordHash {
  private(set) var state: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The hash of what has been combined, each of its bits depending on all bits of the state.
  var value: UInt64 {
    var mixed = state
    mixed = (mixed ^ mixed >> 33) &* 0xff51_afd7_ed55_8ccd
    mixed = (mixed ^ mixed >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return mixed ^ mixed >> 33
  }

  mutating func combine(_ word: UInt64) {
    let product = (state ^ word) &* 0x100_0000_01b3
    state = product << 29 | product >> 35
  }

  /// Combines items of `size` bytes: as one piece when there are no gaps between them.
  mutating func combine(_ run: ByteRun, count: Int, size: Int) {
    let (pieces, length) = run.stride == size ? (1, count * size) : (count, size)
    withExtendedLifetime(run.storage) {
      // Gaps between single bytes: words of eight of them, not a word for each.
      guard size > 1 || pieces == 1 else {
        let bytes = (0..<count).map { run.address(of: $0).pointee }
        return bytes.withUnsafeBytes { combine($0) }
      }
      for piece in 0..<pieces {
        combine(UnsafeRawBufferPointer(start: run.address(of: piece), count: length))
      }
    }
  }

  /// Combines all bytes, the last word filled up with zeros.
  mutating func combine(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    if whole < bytes.count {
      combine(bytes[whole...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
  }
}
