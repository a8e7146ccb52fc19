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

  /// One of the seeds, changed in one to eight places.
  mutating func input(from seeds: [[UInt8]]) -> [UInt8] {
    var bytes = seeds[index(below: seeds.count)]
    for _ in 0...index(below: 8) { change(&bytes, seeds) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8], _ seeds: [[UInt8]]) {
    let place = index(below: bytes.count)
    guard !bytes.isEmpty else {
      bytes.append(UInt8(truncatingIfNeeded: next()))
      return
    }
    switch index(below: 9) {
    case 0: bytes[place] ^= 1 << UInt8(index(below: 8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff, 0x0d, 0x22, 0x2c][index(below: 8)]
    case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + index(below: 16)))
    case 4: bytes.insert(contentsOf: bytes[place...].prefix(1 + index(below: 32)), at: place)
    case 5: bytes = Array(bytes[..<place])
    case 6:
      // A number somewhere, as text: the most hostile ones.
      let numbers = [
        "0", "-1", "9223372036854775807", "18446744073709551616", "1e999", "nan", "2147483648",
      ]
      bytes.replaceSubrange(
        place..<min(bytes.count, place + 1), with: Array(numbers[index(below: numbers.count)].utf8))
    case 7:
      for offset in 0..<min(4, bytes.count - place) { bytes[place + offset] = 0xff }
    default:
      let other = seeds[index(below: seeds.count)]
      let start = index(below: other.count)
      bytes.replaceSubrange(place..., with: other[min(start, other.count)...])
    }
  }
}
