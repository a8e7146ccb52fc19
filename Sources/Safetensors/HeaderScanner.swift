// Foundation's JSON decoders keep one of two equal keys and say nothing, and they don't tell where
// an error is. The header's grammar is small: objects of objects of strings and integer lists. This
// scanner takes just that, so it needs no recursion, and nesting, however deep, is an error where it
// starts.

/// Reads the JSON of a header from left to right.
struct HeaderScanner {
  private let bytes: [UInt8]
  private let path: String?
  private var index = 0

  /// Starts at the first byte of a header.
  init(bytes: [UInt8], path: String?) {
    self.bytes = bytes
    self.path = path
  }

  /// Where in the file the next byte is: the header starts behind its length, at 8.
  var position: Int { 8 + index }

  /// The error of a broken rule.
  func failure(_ reason: SafetensorsError.Reason, at position: Int) -> SafetensorsError {
    .malformed(path: path, offset: position, reason: reason)
  }

  private func unexpected(_ expected: String) -> SafetensorsError {
    failure(.unexpectedJSON(expected: expected), at: position)
  }
}

// MARK: - Structure

extension HeaderScanner {
  /// Scans an object; `member` is called with the scanner at each value, and must scan it.
  ///
  /// - Parameter member: gets the scanner, the key and where the key stands in the file.
  mutating func scanObject(
    _ member: (inout HeaderScanner, String, Int) throws(SafetensorsError) -> Void
  ) throws(SafetensorsError) {
    try expect("{", "an object")
    if accept("}") { return }
    repeat {
      skipSpace()
      let keyPosition = position
      let key = try scanString()
      try expect(":", "':'")
      skipSpace()
      try member(&self, key, keyPosition)
    } while accept(",")
    try expect("}", "',' or '}'")
  }

  /// Scans a list of whole numbers, none negative.
  ///
  /// - Parameter excess: the reason of failure when there are more than `limit`.
  mutating func scanIntegers(
    array: String, limit: Int, excess: SafetensorsError.Reason
  ) throws(SafetensorsError) -> [Int] {
    var values: [Int] = []
    try expect("[", "a list of whole numbers")
    if accept("]") { return values }
    repeat {
      skipSpace()
      if values.count == limit { throw failure(excess, at: position) }
      values.append(try scanInteger(array: array))
    } while accept(",")
    try expect("]", "',' or ']'")
    return values
  }

  /// Checks that nothing but white space is left.
  mutating func scanEnd() throws(SafetensorsError) {
    skipSpace()
    if index < bytes.count { throw unexpected("its end") }
  }

  /// Whether the next byte starts a string.
  var nextIsString: Bool { next == UInt8(ascii: "\"") }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
      index += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func expect(
    _ character: Unicode.Scalar, _ expected: String
  ) throws(SafetensorsError) {
    guard accept(character) else { throw unexpected(expected) }
  }
}

// MARK: - Values

extension HeaderScanner {
  private mutating func scanInteger(array: String) throws(SafetensorsError) -> Int {
    let start = position
    if next == UInt8(ascii: "-") { throw failure(.negativeNumber(array: array), at: start) }
    var value = 0
    var digits = 0
    while let byte = next, (0x30...0x39).contains(byte) {
      if digits == 1 && value == 0 { throw unexpected("no leading zero") }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(byte - 0x30))
      if overflow || carry { throw failure(.numberTooLarge(array: array), at: start) }
      value = sum
      digits += 1
      index += 1
    }
    let isFraction = next.map { [0x2e, 0x45, 0x65].contains($0) } ?? false
    if digits == 0 || isFraction { throw unexpected("a whole number") }
    return value
  }

  /// Scans a string and resolves its escapes.
  mutating func scanString() throws(SafetensorsError) -> String {
    guard nextIsString else { throw unexpected("a string") }
    let start = position
    index += 1
    var content: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      if byte < 0x20 { throw unexpected("no control character in a string") }
      if byte == UInt8(ascii: "\\") {
        let scalar = try scanEscape()
        content += Array(String(scalar).utf8)
      } else {
        content.append(byte)
        index += 1
      }
    }
    guard nextIsString else { throw unexpected("the end of the string") }
    index += 1
    guard let text = String(validating: content, as: UTF8.self) else {
      throw failure(.invalidUTF8, at: start)
    }
    return text
  }

  private mutating func scanEscape() throws(SafetensorsError) -> Unicode.Scalar {
    let start = position
    index += 1
    guard let letter = next else { throw unexpected("an escaped character") }
    index += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var units = [try scanHexUnit()]
      if UTF16.isLeadSurrogate(units[0]), next == UInt8(ascii: "\\") {
        index += 1
        guard next == UInt8(ascii: "u") else { break }
        index += 1
        units.append(try scanHexUnit())
      }
      let scalars = String(validating: units, as: UTF16.self)?.unicodeScalars
      if let scalars, scalars.count == 1, let scalar = scalars.first { return scalar }
    default: break
    }
    throw failure(.unexpectedJSON(expected: "a valid escape sequence"), at: start)
  }

  private mutating func scanHexUnit() throws(SafetensorsError) -> UInt16 {
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      value = value << 4 | UInt16(digit)
      index += 1
    }
    return value
  }
}
