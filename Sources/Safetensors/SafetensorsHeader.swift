/// The checked header of a safetensors file.
struct SafetensorsHeader {
  /// The description of one array.
  struct Entry {
    let name: String
    let type: SafetensorsType
    let shape: [Int]
    /// Where the data begins and ends, counted from the end of the header.
    let begin: Int
    let end: Int
    /// Where in the file the two offsets are written.
    let offsetsPosition: Int
  }

  private(set) var metadata: [String: String] = [:]
  private(set) var entries: [Entry] = []

  /// The length of the header, from the first eight bytes of a file of `fileCount` bytes.
  static func length(
    prefix: [UInt8], fileCount: Int, path: String?
  ) throws(SafetensorsError) -> Int {
    guard prefix.count == 8 else {
      throw .malformed(
        path: path, offset: 0, reason: .missingHeaderLength(fileBytes: prefix.count))
    }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let limit = SafetensorsFile.maximumHeaderLength
    guard length <= UInt64(limit) else {
      throw .malformed(
        path: path, offset: 0, reason: .headerTooLong(length: length, limit: limit))
    }
    guard length <= UInt64(fileCount - 8) else {
      throw .malformed(
        path: path, offset: 0,
        reason: .headerBeyondEnd(length: length, available: fileCount - 8))
    }
    return Int(length)
  }

  /// Scans and checks the header of a file of `fileCount` bytes.
  init(scanning bytes: [UInt8], fileCount: Int, path: String?) throws(SafetensorsError) {
    var scanner = HeaderScanner(bytes: bytes, path: path)
    var names: Set<ExactName> = []
    try scanner.scanObject { (scanner, name, position) throws(SafetensorsError) in
      guard names.insert(ExactName(text: name)).inserted else {
        throw scanner.failure(.duplicateKey(name), at: position)
      }
      if name == "__metadata__" {
        metadata = try Self.scanMetadata(&scanner)
      } else {
        try entries.append(Self.scanEntry(&scanner, name: name, position: position))
      }
    }
    try scanner.scanEnd()
    try checkLayout(dataStart: 8 + bytes.count, fileCount: fileCount, scanner: scanner)
  }
}

// MARK: - Fields

extension SafetensorsHeader {
  private static func scanMetadata(
    _ scanner: inout HeaderScanner
  ) throws(SafetensorsError) -> [String: String] {
    var metadata: [String: String] = [:]
    try scanner.scanObject { (scanner, key, position) throws(SafetensorsError) in
      guard scanner.nextIsString else {
        throw scanner.failure(.metadataNotString(key: key), at: scanner.position)
      }
      guard metadata.updateValue(try scanner.scanString(), forKey: key) == nil else {
        throw scanner.failure(.duplicateKey(key), at: position)
      }
    }
    return metadata
  }

  private static func scanEntry(
    _ scanner: inout HeaderScanner, name: String, position: Int
  ) throws(SafetensorsError) -> Entry {
    var type: SafetensorsType?
    var shape: [Int]?
    var shapePosition = 0
    var offsets: [Int]?
    var offsetsPosition = 0
    try scanner.scanObject { (scanner, field, position) throws(SafetensorsError) in
      let valuePosition = scanner.position
      switch field {
      case "dtype" where type == nil:
        let word = try scanner.scanString()
        type = SafetensorsType(rawValue: word)
        if type == nil {
          throw scanner.failure(.unknownType(array: name, type: word), at: valuePosition)
        }
      case "shape" where shape == nil:
        shapePosition = valuePosition
        shape = try scanner.scanIntegers(
          array: name, limit: SafetensorsArray.maximumRank,
          excess: .tooManyAxes(array: name, limit: SafetensorsArray.maximumRank))
      case "data_offsets" where offsets == nil:
        offsetsPosition = valuePosition
        let pair = try scanner.scanIntegers(
          array: name, limit: 2, excess: .unexpectedJSON(expected: "']' after two offsets"))
        guard pair.count == 2 else {
          throw scanner.failure(.unexpectedJSON(expected: "two offsets"), at: valuePosition)
        }
        offsets = pair
      case "dtype", "shape", "data_offsets":
        throw scanner.failure(.duplicateKey(field), at: position)
      default:
        throw scanner.failure(.unknownField(array: name, field: field), at: position)
      }
    }
    guard let type else {
      throw scanner.failure(.missingField(array: name, field: "dtype"), at: position)
    }
    guard let shape else {
      throw scanner.failure(.missingField(array: name, field: "shape"), at: position)
    }
    guard let offsets else {
      throw scanner.failure(.missingField(array: name, field: "data_offsets"), at: position)
    }
    guard let expected = SafetensorsArray.byteCount(type: type, shape: shape) else {
      throw scanner.failure(.shapeOverflow(array: name), at: shapePosition)
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else {
      throw scanner.failure(
        .offsetsReversed(array: name, begin: begin, end: end), at: offsetsPosition)
    }
    guard end - begin == expected else {
      throw scanner.failure(
        .sizeMismatch(array: name, expected: expected, found: end - begin), at: offsetsPosition)
    }
    return Entry(
      name: name, type: type, shape: shape, begin: begin, end: end,
      offsetsPosition: offsetsPosition)
  }
}

// MARK: - Layout

extension SafetensorsHeader {
  /// Checks that the arrays lie inside the file and cover all of its data, each byte once.
  private func checkLayout(
    dataStart: Int, fileCount: Int, scanner: HeaderScanner
  ) throws(SafetensorsError) {
    let available = fileCount - dataStart
    for entry in entries where entry.end > available {
      throw scanner.failure(
        .dataBeyondEnd(array: entry.name, end: entry.end, available: available),
        at: entry.offsetsPosition)
    }
    var covered = 0
    var previous = ""
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      if entry.begin < covered {
        throw scanner.failure(
          .overlap(array: entry.name, with: previous), at: dataStart + entry.begin)
      }
      if entry.begin > covered {
        throw scanner.failure(
          .hole(before: entry.name, bytes: entry.begin - covered), at: dataStart + covered)
      }
      covered = entry.end
      previous = entry.name
    }
    if covered < available {
      throw scanner.failure(.trailingBytes(available - covered), at: dataStart + covered)
    }
  }
}
