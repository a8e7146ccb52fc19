/// What stands around the bytes that a reader is to be tried with: without it being right, no reader
/// looks further.
enum Envelope {
  /// Nothing.
  case none
  /// The length of a safetensors file's header, 8 bytes, before the header.
  case header
  /// A gzip stream of one stored block, with its checksum.
  case stored

  /// The header of a safetensors file.
  static func header(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
    guard bytes.count >= 8 else { return nil }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    guard length <= UInt64(bytes.count - 8) else { return nil }
    return bytes[8..<8 + Int(length)]
  }

  /// A safetensors file with a header of whatever length.
  static func withHeader(_ header: [UInt8], body: ArraySlice<UInt8>) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + body
  }

  /// A gzip stream of at most 65,535 bytes.
  static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let bytes = bytes.prefix(65_535)
    func little(_ number: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
    }
    let count = UInt32(bytes.count)
    return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(count, 2) + little(~count, 2) + bytes
      + little(checksum(bytes), 4) + little(count, 4)
  }

  /// CRC-32 as in RFC 1952, section 8.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(UInt32.max) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? 0xedb8_8320 ^ value >> 1 : value >> 1
    }
  }
}
