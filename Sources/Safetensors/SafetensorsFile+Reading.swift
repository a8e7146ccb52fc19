internal import Files

extension SafetensorsFile {
  /// Reads a file strictly: the header is checked whole before any data is read.
  ///
  /// A damaged or hostile file never crashes the program, and no array is allocated before it is
  /// known that the file holds all of its bytes.
  ///
  /// - Throws: `SafetensorsError.malformed` with byte offset and reason, or `file` (a missing file has
  ///   the code `ENOENT`).
  public init(contentsOf path: String) throws(SafetensorsError) {
    let file = try inFile { () throws(FileError) in try FileReader(path: path) }
    func bytes(at offset: Int, count: Int) throws(SafetensorsError) -> [UInt8] {
      try inFile { () throws(FileError) in try file.bytes(at: offset, count: count) }
    }
    let prefix = try bytes(at: 0, count: min(8, file.count))
    let length = try SafetensorsHeader.length(prefix: prefix, fileCount: file.count, path: path)
    let header = try SafetensorsHeader(
      scanning: bytes(at: 8, count: length), fileCount: file.count, path: path)
    self.init(metadata: header.metadata)
    for entry in header.entries {
      let data = try bytes(at: 8 + length + entry.begin, count: entry.end - entry.begin)
      append(SafetensorsArray(type: entry.type, shape: entry.shape, bytes: data), named: entry.name)
    }
  }

  /// Reads the bytes of a file, as strictly as `init(contentsOf:)`.
  ///
  /// - Throws: `SafetensorsError.malformed` with byte offset and reason.
  public init(bytes: [UInt8]) throws(SafetensorsError) {
    let length = try SafetensorsHeader.length(
      prefix: Array(bytes.prefix(8)), fileCount: bytes.count, path: nil)
    let start = 8 + length
    let header = try SafetensorsHeader(
      scanning: Array(bytes[8..<start]), fileCount: bytes.count, path: nil)
    self.init(metadata: header.metadata)
    for entry in header.entries {
      let data = Array(bytes[(start + entry.begin)..<(start + entry.end)])
      append(SafetensorsArray(type: entry.type, shape: entry.shape, bytes: data), named: entry.name)
    }
  }
}

/// Turns the error of a file into one of this format.
func inFile<Value: ~Copyable>(
  _ body: () throws(FileError) -> Value
) throws(SafetensorsError) -> Value {
  do throws(FileError) {
    return try body()
  } catch {
    throw .file(error)
  }
}
