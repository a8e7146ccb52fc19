internal import Platform

/// Writes files whole or not at all.
///
/// The bytes go to a temporary file in the same folder, which reaches the disk before it takes the
/// place of the old file in one step; then the folder reaches the disk. At every moment, a crash or
/// a loss of power included, the path leads to the complete old file or to the complete new one.
///
/// - A failure removes the temporary file. Only a kill leaves one behind, `.l2l-<pid>-<n>.tmp`, which
///   `TemporaryFiles.removeLeftovers` removes.
/// - A symbolic link stays, and the file that it leads to is replaced, or made if it was missing.
/// - The permissions of a file that is replaced are kept.
/// - What is no regular file, `/dev/stdout` or a pipe, cannot be replaced: the bytes are written
///   into it, and a failure may leave a part of them there. A pipe that nobody opens or reads from
///   for `patience` seconds is an error.
/// - A file-size limit (`ulimit -f`) is the error EFBIG, not the end of the process by SIGXFSZ.
public enum AtomicFile {
  /// Writes the bytes to the path, replacing the file there.
  ///
  /// - Throws: `FileError.cannotWrite` with the failed call and its `errno`, as `ENOSPC` for a full
  ///   disk. What was at the path is then unchanged; only when the last step, syncing the folder,
  ///   fails is the new file already in place.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    try write(bytes, to: path, calls: SystemCalls())
  }

  /// Writes parts one after the other, each made when its turn comes, as one file.
  ///
  /// - Throws: as `write(_:to:)` for bytes.
  public static func write(
    parts count: Int, _ part: @escaping (Int) -> [UInt8], to path: String
  ) throws(FileError) {
    try write(parts: count, part, to: path, calls: SystemCalls())
  }

  /// Writes the text as UTF-8 to the path, replacing the file there.
  ///
  /// - Throws: as `write(_:to:)` for bytes.
  public static func write(_ text: String, to path: String) throws(FileError) {
    try write(Array(text.utf8), to: path)
  }

  /// The system calls that can fail in the middle of a write, replaceable by tests.
  package struct SystemCalls {
    /// The system's `write`.
    package var write: (Int32, UnsafeRawPointer, Int) -> Int = { systemWrite($0, $1, $2) }
    /// The system's `fsync`.
    package var fsync: (Int32) -> Int32 = { systemSync($0) }
    /// The system's `rename`.
    package var rename: (Path, Path) -> Int32 = { from, to in
      from.withCString { from in to.withCString { systemRename(from, $0) } }
    }
    /// Seconds that a pipe may keep the writer waiting.
    package var patience = 60.0

    /// Makes the system's own calls.
    package init() {}
  }

  /// Writes the bytes through the given system calls.
  package static func write(
    _ bytes: [UInt8], to path: String, calls: SystemCalls
  ) throws(FileError) {
    try write(parts: 1, { _ in bytes }, to: path, calls: calls)
  }

  private static func write(
    parts count: Int, _ part: @escaping (Int) -> [UInt8], to path: String, calls: SystemCalls
  ) throws(FileError) {
    guard !path.isEmpty else { throw .noName }
    do throws(CallFailure) {
      try replace(Path(path), with: Parts(count: count, part: part), calls)
    } catch {
      throw .cannotWrite(path: path, call: error.call, code: error.code)
    }
  }
}

// MARK: - Steps

/// A file's bytes, part by part; parts of less than a buffer are joined.
private struct Parts {
  static let bufferSize = 1 << 16

  let count: Int
  let part: (Int) -> [UInt8]

  /// Calls `body` with the bytes in order.
  func inOrder(_ body: ([UInt8]) throws(CallFailure) -> Void) throws(CallFailure) {
    var buffer: [UInt8] = []
    for index in 0..<count {
      let bytes = part(index)
      if buffer.isEmpty, bytes.count >= Self.bufferSize {
        try body(bytes)
        continue
      }
      buffer += bytes
      if buffer.count >= Self.bufferSize {
        try body(buffer)
        buffer.removeAll(keepingCapacity: true)
      }
    }
    if !buffer.isEmpty || count == 0 { try body(buffer) }
  }
}

extension AtomicFile {
  private static func replace(
    _ path: Path, with parts: Parts, _ calls: SystemCalls
  ) throws(CallFailure) {
    let status = path.status
    if let status, !status.isRegular || path.isOpenDescriptor {
      return try writeInto(path, isPipe: status.isPipe, parts, calls)
    }
    guard let target = path.followingLinks() else { throw CallFailure("open") }
    guard !target.mustBeFolder else { throw CallFailure("open", code: EISDIR) }
    let folder = target.parent
    let (descriptor, temporary) = try TemporaryFiles.open(in: folder, mode: 0o666)
    do throws(CallFailure) {
      do throws(CallFailure) {
        if let status { _ = fchmod(descriptor, status.permissions) }
        try writeAll(parts, to: descriptor, calls)
        guard calls.fsync(descriptor) == 0 else { throw CallFailure("fsync") }
      } catch {
        close(descriptor)
        throw error
      }
      guard close(descriptor) == 0 else { throw CallFailure("close") }
      guard calls.rename(temporary, target) == 0 else { throw CallFailure("rename") }
    } catch {
      _ = temporary.withCString { unlink($0) }
      throw error
    }
    try syncFolder(folder, calls)
  }

  private static func writeInto(
    _ path: Path, isPipe: Bool, _ parts: Parts, _ calls: SystemCalls
  ) throws(CallFailure) {
    // A pipe must not be waited for without end: neither for its reader nor for room in it.
    let flags = O_WRONLY | O_APPEND | O_CLOEXEC | (isPipe ? O_NONBLOCK : 0)
    var waited = 0.0
    var descriptor = path.withCString { open($0, flags) }
    while descriptor < 0, isPipe, errno == ENXIO, waited < calls.patience {
      poll(nil, 0, 50)
      waited += 0.05
      descriptor = path.withCString { open($0, flags) }
    }
    guard descriptor >= 0 else { throw CallFailure("open") }
    defer { close(descriptor) }
    try writeAll(parts, to: descriptor, calls)
  }

  /// Writes all bytes, in as many calls as the system needs.
  private static func writeAll(
    _ parts: Parts, to descriptor: Int32, _ calls: SystemCalls
  ) throws(CallFailure) {
    try parts.inOrder { (bytes) throws(CallFailure) in
      let count = Writing.all(bytes, to: descriptor, patience: calls.patience, calls.write)
      guard count == bytes.count else { throw CallFailure("write") }
    }
  }

  /// Makes the new name durable; a no-op where folders cannot be opened or synced.
  private static func syncFolder(_ folder: Path, _ calls: SystemCalls) throws(CallFailure) {
    let descriptor = folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    if descriptor < 0 && errno == EACCES { return }
    guard descriptor >= 0 else { throw CallFailure("open of the folder") }
    defer { close(descriptor) }
    guard calls.fsync(descriptor) == 0 || errno == EINVAL else {
      throw CallFailure("fsync of the folder")
    }
  }
}

// MARK: - The system's calls, under names that the members above do not hide

private func systemWrite(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, start, count)
}

private func systemSync(_ descriptor: Int32) -> Int32 {
  fsync(descriptor)
}

private func systemRename(_ from: UnsafePointer<CChar>, _ to: UnsafePointer<CChar>) -> Int32 {
  rename(from, to)
}
