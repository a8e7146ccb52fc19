internal import Platform

/// The names in a folder.
package enum FolderListing {
  /// All names but `.` and `..`, as bytes, in no order.
  ///
  /// - Throws: `FileError.cannotRead`; a name that is no folder has the code `ENOTDIR`.
  package static func names(in folder: Path) throws(FileError) -> [[UInt8]] {
    guard let stream = folder.withCString({ opendir($0) }) else {
      throw .cannotRead(path: folder.text, call: "opendir", code: errno)
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      // The array has one size in the declaration and another in memory.
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: UInt8.self, capacity: 1) { start in
          Array(
            UnsafeBufferPointer(
              start: start,
              count: strlen(
                UnsafePointer<CChar>(
                  OpaquePointer(start)))))
        }
      }
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
    guard errno == 0 else { throw .cannotRead(path: folder.text, call: "readdir", code: errno) }
    return names
  }
}
