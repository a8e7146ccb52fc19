internal import Dispatch
internal import Foundation

/// A file that grows by whole records, written in the background.
///
/// A record goes to the file in one call that appends, at once: who reads the file while it grows, or
/// after the process was killed, sees whole records. What a full disk has cut off is taken back, kept
/// in memory, and tried again with the next record, so that order and completeness survive. A file
/// system that hangs does not stop the caller.
///
/// `@unchecked Sendable`: what changes is touched on the queue alone.
public final class LogFile: @unchecked Sendable {
  /// The file's path.
  public let path: String
  private let descriptor: Int32
  private let onFailure: @Sendable (TelemetryError) -> Void
  private let queue = DispatchQueue(label: "log file")
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
  /// - Throws: `TelemetryError.cannotWrite`; code EEXIST when a new file exists.
  public init(
    _ path: String, isNew: Bool, onFailure: @escaping @Sendable (TelemetryError) -> Void
  ) throws(TelemetryError) {
    self.path = path
    self.onFailure = onFailure
    let flags = O_WRONLY | O_APPEND | O_CLOEXEC | (isNew ? O_CREAT | O_EXCL : 0)
    descriptor = open(path, flags, 0o666)
    guard descriptor >= 0 else {
      throw .cannotWrite(path: path, call: "open", code: errno)
    }
    length = lseek(descriptor, 0, SEEK_END)
  }

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
  /// - Throws: `TelemetryError.cannotWrite`; the records are then still kept for another try.
  public func flush() throws(TelemetryError) {
    let error: TelemetryError? = queue.sync {
      if let error = writePending() { return error }
      // What is no regular file can't be synced.
      guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
        return .cannotWrite(path: path, call: "fsync", code: errno)
      }
      return nil
    }
    if let error { throw error }
  }

  private func writePending() -> TelemetryError? {
    while !pending.isEmpty {
      let written = pending.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written == pending.count {
        length += off_t(written)
        pending = []
      } else if written >= 0 || errno != EINTR {
        // A part of a record would break the file for readers; a disk is full after a part.
        let code = written >= 0 ? ENOSPC : errno
        if written > 0 { _ = ftruncate(descriptor, length) }
        return .cannotWrite(path: path, call: "write", code: code)
      }
    }
    return nil
  }
}
