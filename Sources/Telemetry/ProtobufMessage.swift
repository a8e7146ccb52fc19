/// A message in the wire format of Protocol Buffers, written field by field.
///
/// Only what `Event` needs of https://protobuf.dev/programming-guides/encoding.
package struct ProtobufMessage {
  private enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  /// The bytes so far.
  package private(set) var bytes: [UInt8] = []

  /// An empty message.
  package init() {}

  /// Adds an int64 or an enum; negative numbers take ten bytes.
  package mutating func add(_ field: UInt64, _ value: Int) {
    appendKey(field, .varint)
    appendVarint(UInt64(bitPattern: Int64(value)))
  }

  /// Adds a double.
  package mutating func add(_ field: UInt64, _ value: Double) {
    appendKey(field, .fixed64)
    appendFixed(value.bitPattern)
  }

  /// Adds a float.
  package mutating func add(_ field: UInt64, _ value: Float) {
    appendKey(field, .fixed32)
    appendFixed(value.bitPattern)
  }

  /// Adds a string.
  package mutating func add(_ field: UInt64, _ value: String) { append(field, value.utf8) }

  /// Adds a message.
  package mutating func add(_ field: UInt64, _ value: ProtobufMessage) {
    append(field, value.bytes)
  }

  /// Adds a repeated double, packed.
  package mutating func add(_ field: UInt64, _ values: [Double]) {
    var packed = ProtobufMessage()
    for value in values { packed.appendFixed(value.bitPattern) }
    add(field, packed)
  }

  // MARK: - Wire format

  /// Seven bits a byte, the lowest first; the eighth says that more follow.
  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func appendKey(_ field: UInt64, _ type: WireType) {
    appendVarint(field << 3 | type.rawValue)
  }

  private mutating func appendFixed(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func append(_ field: UInt64, _ content: some Collection<UInt8>) {
    appendKey(field, .lengthDelimited)
    appendVarint(UInt64(content.count))
    bytes.append(contentsOf: content)
  }
}
