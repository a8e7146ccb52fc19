/// The checksum CRC-32C (Castagnoli), as in RFC 3720, appendix B.4.
///
/// A table of 256 remainders, a byte at a time: about 2 ns a byte, and a log period has 600 bytes.
package enum CRC32C {
  // The polynomial 0x1EDC6F41 with its bits in reverse.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }

  /// The checksum of the bytes.
  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }

  /// The checksum as TFRecord files store it: rotated and shifted by a constant, so that a record
  /// that holds checksums is not its own undoing.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = checksum(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }
}
