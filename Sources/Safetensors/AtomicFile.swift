#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes files whole or not at all.
///
/// The bytes go to a temporary file in the same folder, which reaches the disk before it takes the
/// place of the old file in one step; then the folder reaches the disk. At every moment, a crash or
/// a loss of power included, the path leads to the complete old file or to the complete new one.
///
/// - A failure removes the temporary file. Only a kill leaves one behind: `.l2l-<pid>-<n>.tmp`.
/// - A symbolic link stays, and the file that it leads to is replaced.
/// - The permissions of a file that is replaced are kept.
/// - What is no regular file, `/dev/stdout` or a pipe, cannot be replaced: the bytes are written
///   into it, and a failure may leave a part of them there.
public enum AtomicFile {
  /// Writes the bytes to the path, replacing the file there.
  ///
  /// - Throws: `SafetensorsError.cannotWrite` with the failed call and its `errno`, as `ENOSPC` for a
  ///   full disk. What was at the path is then unchanged; only when the last step, syncing the
  ///   folder, fails is the new file already in place.
  public static func write(_ bytes: [UInt8], to path: String) throws(SafetensorsError) {
    try write(bytes, to: path, calls: SystemCalls())
  }

  /// Writes the text as UTF-8 to the path, replacing the file there.
  ///
  /// - Throws: as `write(_:to:)` for bytes.
  public static func write(_ text: String, to path: String) throws(SafetensorsError) {
    try write(Array(text.utf8), to: path)
  }

  /// The system calls that can fail in the middle of a write, replaceable by tests.
  package struct SystemCalls {
    /// The system's `write`.
    package var write: (Int32, UnsafeRawPointer, Int) -> Int = { systemWrite($0, $1, $2) }
    /// The system's `fsync`.
    package var fsync: (Int32) -> Int32 = { systemSync($0) }
    /// The system's `rename`.
    package var rename: (String, String) -> Int32 = { systemRename($0, $1) }

    /// Makes the system's own calls.
    package init() {}
  }

  /// Writes the bytes through the given system calls.
  package static func write(
    _ bytes: [UInt8], to path: String, calls: SystemCalls
  ) throws(SafetensorsError) {
    do throws(CallFailure) {
      try replace(path, with: bytes, calls)
    } catch {
      throw .cannotWrite(path: path, call: error.call, code: error.code)
    }
  }
}

// MARK: - Steps

/// A failed system call.
private struct CallFailure: Error {
  let call: String
  let code: Int32

  /// Notes `errno`, so it must be made right after the call.
  init(_ call: String) {
    self.call = call
    code = errno
  }
}

extension AtomicFile {
  private static func replace(
    _ path: String, with bytes: [UInt8], _ calls: SystemCalls
  ) throws(CallFailure) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists && (status.st_mode & S_IFMT != S_IFREG || isOpenDescriptor(path)) {
      return try writeInto(path, bytes, calls)
    }
    let target = exists ? resolved(path) : path
    let slash = target.lastIndex(of: "/")
    let folder = slash.map { String(target[...$0]) } ?? "./"

    let (descriptor, temporary) = try openTemporary(in: folder)
    do throws(CallFailure) {
      do throws(CallFailure) {
        if exists { _ = fchmod(descriptor, status.st_mode & 0o777) }
        try writeAll(bytes, to: descriptor, calls)
        guard calls.fsync(descriptor) == 0 else { throw CallFailure("fsync") }
      } catch {
        close(descriptor)
        throw error
      }
      guard close(descriptor) == 0 else { throw CallFailure("close") }
      guard calls.rename(temporary, target) == 0 else { throw CallFailure("rename") }
    } catch {
      unlink(temporary)
      throw error
    }
    try syncFolder(folder, calls)
  }

  /// Whether the path names a file that is already open, as `/dev/stdout` sent to a file is: others
  /// write to it too, so it is not to be replaced.
  private static func isOpenDescriptor(_ path: String) -> Bool {
    path == "/dev/stdout" || path == "/dev/stderr" || path.hasPrefix("/dev/fd/")
      || path.hasPrefix("/proc/self/fd/")
  }

  /// Creates a file whose name no other process and no earlier crash has left there.
  private static func openTemporary(
    in folder: String
  ) throws(CallFailure) -> (descriptor: Int32, path: String) {
    var attempt = 0
    while true {
      let path = "\(folder).l2l-\(getpid())-\(attempt).tmp"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, path) }
      let retry = errno == EINTR || (errno == EEXIST && attempt < 1000)
      guard retry else { throw CallFailure("open") }
      attempt += 1
    }
  }

  private static func writeInto(
    _ path: String, _ bytes: [UInt8], _ calls: SystemCalls
  ) throws(CallFailure) {
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw CallFailure("open") }
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor, calls)
  }

  /// Writes all bytes, in as many calls as the system needs.
  private static func writeAll(
    _ bytes: [UInt8], to descriptor: Int32, _ calls: SystemCalls
  ) throws(CallFailure) {
    var failure: CallFailure?
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
        let written = calls.write(descriptor, start, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if written == 0 || errno != EINTR {
          if written == 0 { errno = EIO }
          failure = CallFailure("write")
          return
        }
      }
    }
    if let failure { throw failure }
  }

  /// Makes the new name durable; a no-op where folders cannot be opened or synced.
  private static func syncFolder(_ folder: String, _ calls: SystemCalls) throws(CallFailure) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 && errno == EACCES { return }
    guard descriptor >= 0 else { throw CallFailure("open of the folder") }
    defer { close(descriptor) }
    guard calls.fsync(descriptor) == 0 || errno == EINVAL else {
      throw CallFailure("fsync of the folder")
    }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}

// MARK: - The system's calls, under names that the members above do not hide

private func systemWrite(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, start, count)
}

private func systemSync(_ descriptor: Int32) -> Int32 {
  fsync(descriptor)
}

private func systemRename(_ from: String, _ to: String) -> Int32 {
  rename(from, to)
}
