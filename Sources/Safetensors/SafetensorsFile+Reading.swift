#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension SafetensorsFile {
  /// Reads a file strictly: the header is checked whole before any data is read.
  ///
  /// A damaged or hostile file never crashes the program, and no array is allocated before it is
  /// known that the file holds all of its bytes.
  ///
  /// - Throws: `SafetensorsError.malformed` with byte offset and reason, `cannotRead` (a missing file
  ///   has the code `ENOENT`) or `notARegularFile`.
  public init(contentsOf path: String) throws(SafetensorsError) {
    let file = try ReadableFile(path: path)
    let prefix = try file.bytes(at: 0, count: min(8, file.count))
    let length = try SafetensorsHeader.length(prefix: prefix, fileCount: file.count, path: path)
    let header = try SafetensorsHeader(
      scanning: file.bytes(at: 8, count: length), fileCount: file.count, path: path)
    self.init(metadata: header.metadata)
    for entry in header.entries {
      let bytes = try file.bytes(at: 8 + length + entry.begin, count: entry.end - entry.begin)
      append(
        SafetensorsArray(type: entry.type, shape: entry.shape, bytes: bytes), named: entry.name)
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

/// A regular file, open for reading until the value goes away.
private struct ReadableFile: ~Copyable {
  let path: String
  let count: Int
  private let descriptor: Int32

  init(path: String) throws(SafetensorsError) {
    // O_NONBLOCK: opening a pipe must not wait for a writer. It changes nothing for regular files.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotRead(path: path, call: "open", code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .cannotRead(path: path, call: "fstat", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notARegularFile(path: path)
    }
    self.path = path
    self.descriptor = descriptor
    count = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// The bytes of a range inside the file.
  func bytes(at offset: Int, count: Int) throws(SafetensorsError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      while written < count {
        let rest = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[written...])
        let result = pread(descriptor, rest.baseAddress, count - written, off_t(offset + written))
        if result > 0 {
          written += result
        } else if result == 0 {
          code = EIO  // The file was cut since its size was asked for.
          return
        } else if errno != EINTR {
          code = errno
          return
        }
      }
    }
    guard code == 0 else { throw .cannotRead(path: path, call: "read", code: code) }
    return bytes
  }
}
