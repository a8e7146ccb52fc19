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

  private var arrays: [String: SafetensorsArray]

  /// Makes a content without arrays.
  public init(metadata: [String: String] = [:]) {
    self.metadata = metadata
    names = []
    arrays = [:]
  }

  /// The array of that name, or nil.
  public subscript(name: String) -> SafetensorsArray? { arrays[name] }

  /// Adds an array behind the others.
  ///
  /// - Precondition: the name is new and not `__metadata__`.
  public mutating func append(_ array: SafetensorsArray, named name: String) {
    precondition(name != "__metadata__", "an array cannot be called __metadata__")
    let previous = arrays.updateValue(array, forKey: name)
    precondition(previous == nil, "there are two arrays called \(name)")
    names.append(name)
  }
}

// MARK: - Writing

extension SafetensorsFile {
  /// The bytes of the file; equal contents give equal bytes.
  ///
  /// Metadata keys are sorted, arrays keep their order and lie without gaps, and the header is padded
  /// with spaces so that the data starts at a multiple of eight.
  ///
  /// - Throws: `SafetensorsError.malformed` with `headerTooLong` when no reader would accept it.
  public func serialized() throws(SafetensorsError) -> [UInt8] {
    let header = serializedHeader()
    guard header.count <= Self.maximumHeaderLength else {
      throw .malformed(
        path: nil, offset: 0,
        reason: .headerTooLong(length: UInt64(header.count), limit: Self.maximumHeaderLength))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.count + arrays.values.reduce(0) { $0 + $1.bytes.count })
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes += $0 }
    bytes += header
    for name in names {
      if let array = arrays[name] { bytes += array.bytes }
    }
    return bytes
  }

  /// Writes the file whole or not at all, as `AtomicFile` does.
  ///
  /// - Throws: `SafetensorsError.cannotWrite`, and then what was at the path is unchanged.
  public func write(to path: String) throws(SafetensorsError) {
    try AtomicFile.write(serialized(), to: path)
  }

  private func serializedHeader() -> [UInt8] {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(Self.json($0.key)):\(Self.json($0.value))" }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for name in names {
      guard let array = arrays[name] else { continue }
      let shape = array.shape.map(String.init).joined(separator: ",")
      let end = offset + array.bytes.count
      fields.append(
        "\(Self.json(name)):{\"dtype\":\"\(array.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
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
