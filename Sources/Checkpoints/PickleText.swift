/// Texts of protocol 0, which are written with escapes.
enum PickleText {
  /// A text of Python 2 between quotation marks, as bytes.
  static func string(
    _ line: ArraySlice<UInt8>, _ scanner: ByteScanner
  ) throws(CheckpointError) -> [UInt8] {
    guard line.count >= 2, let quote = line.first, quote == line.last,
      quote == 0x22 || quote == 0x27
    else { throw scanner.failure(.badText) }
    var rest = line.dropFirst().dropLast()
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let code = rest.popFirst() else { throw scanner.failure(.badText) }
      switch code {
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "a"): bytes.append(7)
      case UInt8(ascii: "b"): bytes.append(8)
      case UInt8(ascii: "f"): bytes.append(12)
      case UInt8(ascii: "v"): bytes.append(11)
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): bytes.append(code)
      case UInt8(ascii: "x"):
        guard let value = hexadecimal(rest.prefix(2), digits: 2) else {
          throw scanner.failure(.badText)
        }
        bytes.append(UInt8(value))
        rest = rest.dropFirst(2)
      default: throw scanner.failure(.badText)
      }
    }
    return bytes
  }

  /// A text in Python's raw-unicode-escape: Latin-1, and \uXXXX.
  static func unicode(
    _ line: ArraySlice<UInt8>, _ scanner: ByteScanner
  ) throws(CheckpointError) -> String {
    var rest = line
    var text = String.UnicodeScalarView()
    while let byte = rest.popFirst() {
      let digits =
        byte != UInt8(ascii: "\\")
        ? 0 : rest.first == UInt8(ascii: "u") ? 4 : rest.first == UInt8(ascii: "U") ? 8 : 0
      guard digits > 0 else {
        text.append(Unicode.Scalar(byte))
        continue
      }
      guard let value = hexadecimal(rest.dropFirst().prefix(digits), digits: digits),
        let scalar = Unicode.Scalar(value)
      else { throw scanner.failure(.badText) }
      text.append(scalar)
      rest = rest.dropFirst(1 + digits)
    }
    return String(text)
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>, digits: Int) -> UInt32? {
    guard bytes.count == digits else { return nil }
    var value: UInt32 = 0
    for byte in bytes {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, value < 1 << 28 else {
        return nil
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
