/// Reads bytes from left to right and never beyond their end.
struct ByteScanner {
  private let bytes: [UInt8]
  private let format: CheckpointFormat
  private(set) var position = 0

  init(_ bytes: [UInt8], _ format: CheckpointFormat) {
    self.bytes = bytes
    self.format = format
  }

  var remaining: Int { bytes.count - position }

  func failure(_ reason: CheckpointError.Reason, at place: Int? = nil) -> CheckpointError {
    .malformed(format: format, offset: place ?? position, reason: reason)
  }

  mutating func byte() throws(CheckpointError) -> UInt8 {
    guard position < bytes.count else { throw failure(.endsTooEarly) }
    defer { position += 1 }
    return bytes[position]
  }

  /// So many bytes; no memory is taken before it is known that they are there.
  mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else { throw failure(.endsTooEarly) }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// A whole number of so many bytes, at most 8.
  mutating func unsigned(_ count: Int, bigEndian: Bool = false) throws(CheckpointError) -> UInt64 {
    let slice = try take(count)
    return (bigEndian ? Array(slice) : slice.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A length of so many bytes.
  mutating func length(_ count: Int, bigEndian: Bool = false) throws(CheckpointError) -> Int {
    let value = try unsigned(count, bigEndian: bigEndian)
    guard let length = Int(exactly: value), length <= remaining else {
      throw failure(.endsTooEarly)
    }
    return length
  }

  mutating func text(_ count: Int) throws(CheckpointError) -> String {
    let start = position
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw failure(.badText, at: start)
    }
    return text
  }

  /// The bytes up to a line's end, which is passed.
  mutating func line() throws(CheckpointError) -> ArraySlice<UInt8> {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw failure(.endsTooEarly) }
    let line = bytes[position..<end]
    position = end + 1
    return line
  }
}
