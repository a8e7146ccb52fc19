import Foundation

/// Reads TensorBoard's event files: written from the formats' descriptions, apart from the program's
/// own code, and checking every checksum bit by bit.
package struct ReadEvent {
  /// A histogram's numbers.
  package struct Histogram: Equatable {
    /// Fields 1 to 5: min, max, num, sum, sum_squares.
    package var figures: [UInt64: Double] = [:]
    /// Field 6, bucket_limit.
    package var limits: [Double] = []
    /// Field 7, bucket.
    package var counts: [Double] = []
  }

  /// Seconds since 1970.
  package var time = 0.0
  /// The step.
  package var step = 0
  /// The version, in a file's first event.
  package var fileVersion: String?
  /// The session's status.
  package var sessionStatus: Int?
  /// Numbers by tag.
  package var scalars: [String: Float] = [:]
  /// Histograms by tag.
  package var histograms: [String: Histogram] = [:]
  /// Descriptions by tag.
  package var descriptions: [String: String] = [:]
  /// The plugins' names by tag.
  package var plugins: [String: String] = [:]

  /// What is wrong with a file.
  package struct Malformed: Error {
    /// What.
    package let reason: String
  }

  /// The events of a file.
  package static func all(in path: String) throws -> [ReadEvent] {
    var rest = Array(try Data(contentsOf: URL(fileURLWithPath: path)))[...]
    var events: [ReadEvent] = []
    while !rest.isEmpty {
      let lengthBytes = try take(8, from: &rest)
      guard masked(lengthBytes) == UInt32(number(try take(4, from: &rest))) else {
        throw Malformed(reason: "the length's checksum is wrong")
      }
      let bytes = try take(Int(number(lengthBytes)), from: &rest)
      guard masked(bytes) == UInt32(number(try take(4, from: &rest))) else {
        throw Malformed(reason: "the record's checksum is wrong")
      }
      events.append(try ReadEvent(bytes))
    }
    return events
  }

  // MARK: - Messages

  private enum Field {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private init(_ bytes: ArraySlice<UInt8>) throws {
    for (number, field) in try Self.fields(bytes) {
      switch (number, field) {
      case (1, .number(let bits)): time = Double(bitPattern: bits)
      case (2, .number(let value)): step = Int(Int64(bitPattern: value))
      case (3, .bytes(let text)): fileVersion = String(decoding: text, as: UTF8.self)
      case (5, .bytes(let summary)):
        for case (1, .bytes(let value)) in try Self.fields(summary) { try add(value) }
      case (7, .bytes(let session)):
        for case (1, .number(let status)) in try Self.fields(session) {
          sessionStatus = Int(status)
        }
      default: throw Malformed(reason: "field \(number) of an event")
      }
    }
  }

  private mutating func add(_ bytes: ArraySlice<UInt8>) throws {
    var tag = ""
    for (number, field) in try Self.fields(bytes) {
      switch (number, field) {
      case (1, .bytes(let text)): tag = String(decoding: text, as: UTF8.self)
      case (2, .number(let bits)): scalars[tag] = Float(bitPattern: UInt32(bits))
      case (5, .bytes(let content)): histograms[tag] = try Self.histogram(content)
      case (9, .bytes(let metadata)):
        for case (let number, .bytes(let content)) in try Self.fields(metadata) {
          if number == 3 { descriptions[tag] = String(decoding: content, as: UTF8.self) }
          guard number == 1 else { continue }
          for case (1, .bytes(let name)) in try Self.fields(content) {
            plugins[tag] = String(decoding: name, as: UTF8.self)
          }
        }
      default: throw Malformed(reason: "field \(number) of a value")
      }
    }
  }

  private static func histogram(_ bytes: ArraySlice<UInt8>) throws -> Histogram {
    var result = Histogram()
    for (number, field) in try fields(bytes) {
      switch (number, field) {
      case (1...5, .number(let bits)): result.figures[number] = Double(bitPattern: bits)
      case (6, .bytes(let packed)): result.limits = try doubles(packed)
      case (7, .bytes(let packed)): result.counts = try doubles(packed)
      default: throw Malformed(reason: "field \(number) of a histogram")
      }
    }
    return result
  }

  private static func doubles(_ bytes: ArraySlice<UInt8>) throws -> [Double] {
    var rest = bytes
    var result: [Double] = []
    while !rest.isEmpty {
      result.append(Double(bitPattern: number(try take(8, from: &rest))))
    }
    return result
  }

  private static func fields(_ bytes: ArraySlice<UInt8>) throws -> [(UInt64, Field)] {
    var rest = bytes
    var result: [(UInt64, Field)] = []
    while !rest.isEmpty {
      let key = try varint(&rest)
      let field: Field =
        switch key & 7 {
        case 0: .number(try varint(&rest))
        case 1: .number(number(try take(8, from: &rest)))
        case 2: .bytes(try take(Int(try varint(&rest)), from: &rest))
        case 5: .number(number(try take(4, from: &rest)))
        default: throw Malformed(reason: "wire type \(key & 7)")
        }
      result.append((key >> 3, field))
    }
    return result
  }

  // MARK: - Bytes

  private static func take(
    _ count: Int, from rest: inout ArraySlice<UInt8>
  ) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= rest.count else { throw Malformed(reason: "the file is torn") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let byte = UInt64(number(try take(1, from: &rest)))
      value |= (byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw Malformed(reason: "a number of over ten bytes")
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func masked(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    // Polynomial division, a bit at a time.
    var rest: UInt32 = ~0
    for byte in bytes {
      for bit in 0..<8 {
        let out = (rest ^ UInt32(byte) >> UInt32(bit)) & 1
        rest = rest >> 1 ^ (out == 1 ? 0x82F6_3B78 : 0)
      }
    }
    let sum = ~rest
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }
}
