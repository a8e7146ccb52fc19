internal import Files

// The safetensors format (https://github.com/huggingface/safetensors): eight bytes with the length
// of the header, little-endian; the header, a JSON object of array descriptions; the data.

/// The content of a safetensors file: named arrays in order, and strings about them.
public struct SafetensorsFile: Equatable, Sendable {
  /// The longest header that is read or written, in bytes.
  public static let maximumHeaderLength = 16 << 20

  /// The strings of the header's `__metadata__`.
  public var metadata: [String: String]

  /// The names of the arrays, in the file's order.
  public private(set) var names: [String]

  private var arrays: [ExactName: SafetensorsArray]

  /// Makes a content without arrays.
  public init(metadata: [String: String] = [:]) {
    self.metadata = metadata
    names = []
    arrays = [:]
  }

  /// The array of that name, or nil.
  ///
  /// A name is its bytes: canonically equivalent ones are names of two arrays.
  public subscript(name: String) -> SafetensorsArray? { arrays[ExactName(text: name)] }

  /// Adds an array behind the others.
  ///
  /// - Precondition: the name is new and not `__metadata__`.
  public mutating func append(_ array: SafetensorsArray, named name: String) {
    precondition(name != "__metadata__", "an array cannot be called __metadata__")
    let previous = arrays.updateValue(array, forKey: ExactName(text: name))
    precondition(previous == nil, "there are two arrays called \(name)")
    names.append(name)
  }

  /// Adds the arrays of another file behind the others.
  ///
  /// - Precondition: their names are new.
  public mutating func append(contentsOf other: SafetensorsFile) {
    for name in other.names {
      if let array = other[name] { append(array, named: name) }
    }
  }

  /// The arrays whose names begin like this, without metadata.
  public func arrays(withPrefix prefix: String) -> SafetensorsFile {
    var result = SafetensorsFile()
    for name in names where name.utf8.starts(with: prefix.utf8) {
      if let array = self[name] { result.append(array, named: name) }
    }
    return result
  }
}

// MARK: - Writing

extension SafetensorsFile {
  /// The bytes of the file; equal contents give equal bytes.
  ///
  /// Metadata keys are sorted, and arrays keep their order. Their data lies without gaps, those with
  /// the widest elements first, and the header is padded with spaces so that the data starts at a
  /// multiple of eight: every number lies where readers that map the file can use it as it is.
  ///
  /// - Throws: `SafetensorsError.malformed` with `headerTooLong` when no reader would accept it.
  public func serialized() throws(SafetensorsError) -> [UInt8] {
    var bytes = try start()
    bytes.reserveCapacity(bytes.count + dataCount)
    for array in layout { bytes += array.bytes }
    return bytes
  }

  /// The bytes of all arrays together.
  public var dataCount: Int { arrays.values.reduce(0) { $0 + $1.byteCount } }

  /// Whether arrays are made when they are written.
  public var isMade: Bool { arrays.values.contains(where: \.isMade) }

  /// The length of the header and the header.
  private func start() throws(SafetensorsError) -> [UInt8] {
    let header = serializedHeader()
    guard header.count <= Self.maximumHeaderLength else {
      throw .malformed(
        path: nil, offset: 0,
        reason: .headerTooLong(length: UInt64(header.count), limit: Self.maximumHeaderLength))
    }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
  }

  /// Writes the file whole or not at all, as `AtomicFile` does.
  ///
  /// - Throws: `SafetensorsError.file`, and then what was at the path is unchanged.
  public func write(to path: String) throws(SafetensorsError) {
    let start = try start()
    let arrays = layout
    // One array at a time is in memory where they are made when they are needed.
    try inFile { () throws(FileError) in
      try AtomicFile.write(
        parts: arrays.count + 1, { $0 == 0 ? start : arrays[$0 - 1].bytes }, to: path)
    }
  }

  /// The widths of elements, the greatest first.
  private var widths: [Int] { [8, 4, 2, 1] }

  /// The arrays in the order of their data.
  private var layout: [SafetensorsArray] {
    let arrays = names.compactMap { self[$0] }
    return widths.flatMap { width in arrays.filter { $0.width == width } }
  }

  private func serializedHeader() -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(Self.json($0.key)):\(Self.json($0.value))" }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var nextOffset: [Int: Int] = [:]
    var offset = 0
    for width in widths {
      nextOffset[width] = offset
      offset += names.reduce(0) {
        $0 + (self[$1].map { $0.width == width ? $0.byteCount : 0 } ?? 0)
      }
    }
    for name in names {
      guard let array = self[name], let begin = nextOffset[array.width] else { continue }
      let shape = array.shape.map(String.init).joined(separator: ",")
      let end = begin + array.byteCount
      nextOffset[array.width] = end
      fields.append(
        "\(Self.json(name)):{\"dtype\":\"\(array.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(begin),\(end)]}")
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return header
  }

  /// The text as a JSON string: quotation mark, backslash and control characters escaped.
  private static func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension SafetensorsArray {
  /// The bytes of an element.
  fileprivate var width: Int { type.byteCount }
}
