import Telemetry
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
  // A SCSI read command: the last example of the RFC.
  private static let readCommand: [UInt8] =
    [0x01, 0xC0] + [UInt8](repeating: 0, count: 14) + [0x14, 0, 0, 0, 0, 0, 4, 0]
    + [0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28] + [UInt8](repeating: 0, count: 7) + [0x02]
    + [UInt8](repeating: 0, count: 7)

  @Test(
    "the examples of RFC 3720, B.4",
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E),
      ((0..<32).reversed(), 0x113F_DB5C),
      (readCommand, 0xD996_3A56),
    ] as [([UInt8], UInt32)])
  func examples(bytes: [UInt8], sum: UInt32) {
    #expect(CRC32C.checksum(bytes) == sum)
  }

  @Test("the check value of the CRC catalogue, and nothing")
  func check() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8]()) == 0)
  }
}
