/// Changes to bytes, drawn from a stream of numbers.
struct Mutation {
  private var state: UInt64

  /// The stream of one input.
  init(seed: UInt64, number: Int) {
    state = seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(truncatingIfNeeded: number)
    _ = next()
  }

  /// SplitMix64 (Steele, Lea and Flood, 2014).
  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  private mutating func index(below count: Int) -> Int {
    Int(next() % UInt64(max(count, 1)))
  }

  /// One of the seeds, changed in one to eight places, in the shape that its reader looks for first.
  mutating func input(from seeds: [[UInt8]], _ envelope: Envelope) -> [UInt8] {
    let seed = seeds[index(below: seeds.count)]
    // What is wrong in the envelope too is refused at once: a quarter is enough of that.
    guard envelope != .none, index(below: 4) > 0 else { return changed(seed, seeds) }
    switch envelope {
    case .none: return changed(seed, seeds)
    case .stored: return Envelope.stored(changed(seed, seeds))
    case .header:
      guard let header = Envelope.header(of: seed) else { return changed(seed, seeds) }
      let others = seeds.compactMap { Envelope.header(of: $0).map(Array.init) }
      let body = seed[header.endIndex...]
      return Envelope.withHeader(changed(Array(header), others), body: body)
    }
  }

  private mutating func changed(_ seed: [UInt8], _ seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seed
    for _ in 0...index(below: 8) { change(&bytes, seeds) }
    return bytes
  }

  private static let bytes: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, 0x0d, 0x0a, 0x22, 0x2c, 0x5c]
  /// The most hostile numbers, as text.
  private static let numbers = [
    "0", "-1", "9223372036854775807", "18446744073709551616", "1e999", "nan", "2147483648", "-0",
    "4294967296", "1e15", "0.1", "99999999999999999999999999",
  ].map { Array($0.utf8) }

  private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
    let place = index(below: bytes.count)
    guard !bytes.isEmpty else {
      bytes.append(UInt8(truncatingIfNeeded: next()))
      return
    }
    switch index(below: 10) {
    case 0: bytes[place] ^= 1 << UInt8(index(below: 8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 2: bytes[place] = Self.bytes[index(below: Self.bytes.count)]
    case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + index(below: 16)))
    case 4: bytes.insert(contentsOf: bytes[place...].prefix(1 + index(below: 32)), at: place)
    case 5: bytes.removeSubrange(place...)
    case 6:
      bytes.replaceSubrange(
        place..<min(bytes.count, place + 1), with: Self.numbers[index(below: Self.numbers.count)])
    case 7: replaceNumber(in: &bytes, from: place)
    case 8:
      let number = [UInt64.max, 1 << 63, 1 << 32, 1 << 31, 1 << 40, next()][index(below: 6)]
      for offset in 0..<min(8, bytes.count - place) {
        bytes[place + offset] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(offset)))
      }
    default:
      let other = seeds[index(below: seeds.count)]
      let start = index(below: other.count)
      bytes.replaceSubrange(place..., with: other[min(start, other.count)...])
    }
  }

  /// Puts a hostile number in the place of the next one that is written as text.
  private mutating func replaceNumber(in bytes: inout [UInt8], from place: Int) {
    let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
    guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.endIndex
    bytes.replaceSubrange(start..<end, with: Self.numbers[index(below: Self.numbers.count)])
  }
}
