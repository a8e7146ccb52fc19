internal import Platform

/// A regular file, open for reading until the value goes away.
package struct FileReader: ~Copyable {
  /// The path as it was given.
  package let path: String
  /// The bytes that the file had when it was opened.
  package let count: Int
  private let descriptor: Int32

  /// Opens a file.
  ///
  /// - Parameter limit: the most bytes that it may have.
  /// - Throws: `FileError.cannotRead` (a missing file has the code `ENOENT`), `notARegularFile`,
  ///   `tooLarge` or `noName`.
  package init(path: String, limit: Int = .max) throws(FileError) {
    guard !path.isEmpty else { throw .noName }
    // O_NONBLOCK: opening a pipe must not wait for a writer. It changes nothing for regular files.
    let descriptor = Path(path).withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw .cannotRead(path: path, call: "open", code: errno) }
    var found = stat()
    guard fstat(descriptor, &found) == 0 else {
      let code = errno
      close(descriptor)
      throw .cannotRead(path: path, call: "fstat", code: code)
    }
    let status = FileStatus(found)
    guard status.isRegular else {
      close(descriptor)
      throw .notARegularFile(path: path)
    }
    let count = status.size
    guard count <= limit else {
      close(descriptor)
      throw .tooLarge(path: path, bytes: count, limit: limit)
    }
    self.path = path
    self.descriptor = descriptor
    self.count = count
  }

  deinit { close(descriptor) }

  /// The bytes of a range inside the file.
  ///
  /// - Throws: `FileError.cannotRead`; EIO when the file was cut since it was opened.
  package func bytes(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      while written < count {
        let rest = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[written...])
        let result = pread(descriptor, rest.baseAddress, count - written, off_t(offset + written))
        if result > 0 {
          written += result
        } else if result == 0 {
          code = EIO
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

  /// All bytes of the file.
  ///
  /// - Throws: as `bytes(at:count:)`.
  package func bytes() throws(FileError) -> [UInt8] { try bytes(at: 0, count: count) }
}
