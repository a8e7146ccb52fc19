internal import Safetensors

// flax's msgpack (flax.serialization): maps of maps with texts as keys; an array is extension 1, whose
// content is a msgpack list of shape, element type's name and bytes.

/// Reads flax's msgpack.
struct MessagePackReader {
  private var scanner: ByteScanner
  private var values = 0

  /// The value in a file.
  static func read(_ bytes: [UInt8]) throws(CheckpointError) -> CheckpointNode {
    var reader = MessagePackReader(scanner: ByteScanner(bytes, .flax))
    let node = try reader.node(depth: 0)
    guard reader.scanner.remaining == 0 else {
      throw reader.scanner.failure(.trailingBytes(reader.scanner.remaining))
    }
    return node
  }

  private init(scanner: ByteScanner) { self.scanner = scanner }

  private mutating func node(depth: Int) throws(CheckpointError) -> CheckpointNode {
    let start = scanner.position
    guard depth < CheckpointLimits.depth else {
      throw scanner.failure(.tooDeep(limit: CheckpointLimits.depth))
    }
    values += 1
    guard values <= CheckpointLimits.values else {
      throw scanner.failure(.tooManyValues(limit: CheckpointLimits.values))
    }
    let byte = try scanner.byte()
    switch byte {
    case 0x80...0x8F: return try map(Int(byte & 0x0F), depth)
    case 0xDE: return try map(try scanner.length(2, bigEndian: true), depth)
    case 0xDF: return try map(try scanner.length(4, bigEndian: true), depth)
    case 0x90...0x9F: return try list(Int(byte & 0x0F), depth)
    case 0xDC: return try list(try scanner.length(2, bigEndian: true), depth)
    case 0xDD: return try list(try scanner.length(4, bigEndian: true), depth)
    case 0xA0...0xBF: return try skip(Int(byte & 0x1F), "a text")
    case 0xD9, 0xDA, 0xDB:
      return try skip(try scanner.length(1 << Int(byte - 0xD9), bigEndian: true), "a text")
    case 0xC4, 0xC5, 0xC6:
      return try skip(try scanner.length(1 << Int(byte - 0xC4), bigEndian: true), "bytes")
    case 0xC0: return .other("nothing")
    case 0xC2, 0xC3: return .other("true or false")
    case 0x00...0x7F, 0xE0...0xFF: return .other("a number")
    case 0xCC, 0xD0: return try skip(1, "a number")
    case 0xCD, 0xD1: return try skip(2, "a number")
    case 0xCA, 0xCE, 0xD2: return try skip(4, "a number")
    case 0xCB, 0xCF, 0xD3: return try skip(8, "a number")
    case 0xD4...0xD8: return try extended(1 << Int(byte - 0xD4))
    case 0xC7, 0xC8, 0xC9:
      return try extended(try scanner.length(1 << Int(byte - 0xC7), bigEndian: true))
    default: throw scanner.failure(.unknownByte(byte), at: start)
    }
  }

  private mutating func skip(_ count: Int, _ kind: String) throws(CheckpointError) -> CheckpointNode
  {
    _ = try scanner.take(count)
    return .other(kind)
  }

  private mutating func map(_ count: Int, _ depth: Int) throws(CheckpointError) -> CheckpointNode {
    var members: [(key: String, value: CheckpointNode)] = []
    var seen: Set<String> = []
    for _ in 0..<count {
      let start = scanner.position
      guard let key = try text(), seen.insert(key).inserted else {
        throw scanner.failure(.badKey, at: start)
      }
      members.append((key, try node(depth: depth + 1)))
    }
    return .map(members)
  }

  /// A list is what flax makes of a tuple: a map of positions.
  private mutating func list(_ count: Int, _ depth: Int) throws(CheckpointError) -> CheckpointNode {
    var members: [(key: String, value: CheckpointNode)] = []
    for index in 0..<count { members.append(("\(index)", try node(depth: depth + 1))) }
    return .map(members)
  }

  /// A text, nil when something else stands here.
  private mutating func text() throws(CheckpointError) -> String? {
    let byte = try scanner.byte()
    switch byte {
    case 0xA0...0xBF: return try scanner.text(Int(byte & 0x1F))
    case 0xD9, 0xDA, 0xDB:
      return try scanner.text(try scanner.length(1 << Int(byte - 0xD9), bigEndian: true))
    default: return nil
    }
  }

  private mutating func extended(_ count: Int) throws(CheckpointError) -> CheckpointNode {
    let start = scanner.position
    let kind = try scanner.byte()
    // 1 is an array, 3 a NumPy scalar of the same form; 2 a complex number.
    guard kind == 1 || kind == 3 else { return try skip(count, "an extension") }
    let end = scanner.position + count
    guard count <= scanner.remaining else { throw scanner.failure(.endsTooEarly) }
    guard try scanner.byte() == 0x93 else {
      throw scanner.failure(.badArray("shape, type and bytes are missing"), at: start)
    }
    let shape = try extents()
    guard let name = try text(), let type = CheckpointArrays.type(named: name) else {
      throw scanner.failure(.badArray("its elements are of an unknown type"), at: start)
    }
    let length: Int
    switch try scanner.byte() {
    case let byte where (0xC4...0xC6).contains(byte):
      length = try scanner.length(1 << Int(byte - 0xC4), bigEndian: true)
    default: throw scanner.failure(.badArray("its bytes are missing"), at: start)
    }
    let bytes = Array(try scanner.take(length))
    guard scanner.position == end else {
      throw scanner.failure(.badArray("it has another length than it says"), at: start)
    }
    do throws(CheckpointArrays.Fault) {
      return .array(try CheckpointArrays.make(type: type, shape: shape, bytes: bytes))
    } catch {
      throw scanner.failure(error.reason, at: start)
    }
  }

  private mutating func extents() throws(CheckpointError) -> [Int] {
    let start = scanner.position
    let byte = try scanner.byte()
    guard (0x90...0x98).contains(byte) else {
      throw scanner.failure(.badArray("it has no shape"), at: start)
    }
    var shape: [Int] = []
    for _ in 0..<byte & 0x0F {
      let first = try scanner.byte()
      switch first {
      case 0x00...0x7F: shape.append(Int(first))
      case 0xCC, 0xCD, 0xCE:
        shape.append(Int(try scanner.unsigned(1 << Int(first - 0xCC), bigEndian: true)))
      default: throw scanner.failure(.badArray("a length is no number"), at: start)
      }
    }
    return shape
  }
}

/// Writes flax's msgpack, as `flax.serialization.to_bytes` does.
enum MessagePackWriter {
  static func bytes(_ node: CheckpointNode) -> [UInt8] {
    switch node {
    case .map(let members):
      return head(members.count, short: 0x80, limit: 16, medium: 0xDE, long: 0xDF)
        + members.flatMap { text($0.key) + bytes($0.value) }
    case .array(let array):
      let content =
        head(array.shape.count, short: 0x90, limit: 16, medium: 0xDC, long: 0xDD)
        + array.shape.flatMap { number($0) }
      let list = [0x93] + content + text(name(of: array.type)) + binary(array.bytes)
      return sized(list.count, 0xC7) + [1] + list
    case .other: return [0xC0]
    }
  }

  private static func name(of type: SafetensorsType) -> String {
    ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint32"]
      .first { CheckpointArrays.type(named: $0) == type } ?? "uint8"
  }

  private static func bigEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  /// A length behind the first of three codes for one, two and four bytes.
  private static func sized(_ count: Int, _ first: UInt8) -> [UInt8] {
    count < 1 << 8
      ? [first] + bigEndian(count, 1)
      : count < 1 << 16 ? [first + 1] + bigEndian(count, 2) : [first + 2] + bigEndian(count, 4)
  }

  private static func head(
    _ count: Int, short: UInt8, limit: Int, medium: UInt8, long: UInt8
  ) -> [UInt8] {
    count < limit
      ? [short | UInt8(count)]
      : count < 1 << 16 ? [medium] + bigEndian(count, 2) : [long] + bigEndian(count, 4)
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return (bytes.count < 32 ? [0xA0 | UInt8(bytes.count)] : sized(bytes.count, 0xD9)) + bytes
  }

  private static func binary(_ bytes: [UInt8]) -> [UInt8] { sized(bytes.count, 0xC4) + bytes }

  private static func number(_ value: Int) -> [UInt8] {
    value < 128 ? [UInt8(value)] : sized(value, 0xCC)
  }
}
