internal import Platform

/// A file that grows by whole records, written in the background.
///
/// A record goes to the file in calls that append, at once: who reads the file while it grows, or
/// after the process was killed, sees whole records. What a full disk has cut off is taken back, kept
/// in memory, and tried again with the next record, so that order and completeness survive. A file
/// system that hangs does not stop the caller. Where no thread can be had, records are written in
/// the foreground.
///
/// `@unchecked Sendable`: what changes is touched on the queue alone.
public final class LogFile: @unchecked Sendable {
  /// The file's path.
  public let path: String
  private let descriptor: Int32
  private let onFailure: @Sendable (FileError) -> Void
  private let queue = BackgroundQueue()
  private let write: (Int32, UnsafeRawPointer, Int) -> Int
  private var pending: [UInt8] = []
  private var length: off_t
  private var hasFailed = false
  // Weeks of records on a disk that stays full: those beyond are given up.
  private static let most = 16 << 20

  /// Opens a file to append to.
  ///
  /// - Parameters:
  ///   - isNew: whether the file must not exist yet.
  ///   - onFailure: told the first failure to write; called on another thread.
  /// - Throws: `FileError.cannotWrite`; code EEXIST when a new file exists.
  public convenience init(
    _ path: String, isNew: Bool, onFailure: @escaping @Sendable (FileError) -> Void
  ) throws(FileError) {
    try self.init(path, isNew: isNew, write: { systemWrite($0, $1, $2) }, onFailure: onFailure)
  }

  /// Opens a file that is written by the given call, for tests.
  package init(
    _ path: String, isNew: Bool, write: @escaping (Int32, UnsafeRawPointer, Int) -> Int,
    onFailure: @escaping @Sendable (FileError) -> Void
  ) throws(FileError) {
    self.path = path
    self.onFailure = onFailure
    self.write = write
    // O_NONBLOCK: a pipe without a reader is an error, not a wait.
    let flags =
      O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0)
    descriptor = Path(path).withCString { open($0, flags, 0o666) }
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, call: "open", code: errno)
    }
    length = lseek(descriptor, 0, SEEK_END)
    // Tells others that somebody is at it; who can't lock goes on all the same.
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
  }

  /// Whether a file has at most so many bytes and no `LogFile` of a living process is open on it.
  package static func isAbandoned(_ path: String, atMost size: Int) -> Bool {
    let descriptor = Path(path).withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, FileStatus(status).isRegular,
      FileStatus(status).size <= size
    else { return false }
    return flock(descriptor, LOCK_SH | LOCK_NB) == 0
  }

  // What is still to be written keeps the file open: each job holds it.
  deinit { close(descriptor) }

  /// Appends a record in the background.
  public func append(_ record: [UInt8]) {
    queue.async { [self] in
      if pending.count + record.count <= Self.most { pending += record }
      if let error = writePending(), !hasFailed {
        hasFailed = true
        onFailure(error)
      }
    }
  }

  /// Waits until all records are in the file and on the disk.
  ///
  /// - Throws: `FileError.cannotWrite`; the records are then still kept for another try.
  public func flush() throws(FileError) {
    let result = Result()
    queue.async { [self] in result.error = writePending() ?? sync() }
    queue.drain()
    if let error = result.error { throw error }
  }

  /// What the job of `flush` found: written by it, and read once it has run.
  private final class Result: @unchecked Sendable {
    var error: FileError?
  }

  private func sync() -> FileError? {
    // What is no regular file can't be synced.
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      return .cannotWrite(path: path, call: "fsync", code: errno)
    }
    return nil
  }

  private func writePending() -> FileError? {
    guard !pending.isEmpty else { return nil }
    let written = Writing.all(pending, to: descriptor, patience: 1, write)
    let code = errno
    if written == pending.count {
      length += off_t(written)
      pending = []
      return nil
    }
    // A part of a record would break the file for readers.
    if written > 0, ftruncate(descriptor, length) != 0 {
      length += off_t(written)
      pending.removeFirst(written)
    }
    return .cannotWrite(path: path, call: "write", code: code)
  }
}

/// The system's `write`, under a name that no member hides.
private func systemWrite(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, start, count)
}
