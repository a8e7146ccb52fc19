internal import Platform

/// The files that `AtomicFile` writes before they take their places: `.l2l-<pid>-<n>.tmp`.
public enum TemporaryFiles {
  /// Creates a file whose name no other process and no earlier crash has left there.
  static func open(
    in folder: Path, mode: mode_t
  ) throws(CallFailure) -> (descriptor: Int32, path: Path) {
    var attempt = 0
    while true {
      let path = folder.appending(".l2l-\(getpid())-\(attempt).tmp")
      let descriptor = path.withCString {
        create($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      }
      if descriptor >= 0 { return (descriptor, path) }
      let retry = errno == EINTR || (errno == EEXIST && attempt < 1000)
      guard retry else { throw CallFailure("open") }
      attempt += 1
    }
  }

  /// Makes a file in the folder and removes it, which alone tells whether it can hold new ones.
  ///
  /// Rights may be right and the disk read-only, and `/proc` says that root may write there.
  static func probe(_ folder: Path) throws(CallFailure) {
    let (descriptor, path) = try open(in: folder, mode: 0o600)
    close(descriptor)
    _ = path.withCString { unlink($0) }
  }

  /// Removes what killed processes have left in a folder.
  ///
  /// Call it when the folder is claimed (`FolderClaim`). A file goes when its process does not exist
  /// and it has not been written to for `age` seconds: the process may be on another machine that
  /// shares the folder, or in another container, where a file is written in far less time.
  /// Links, folders and whatever else has such a name stay. Failures are left out: the files do no
  /// harm but to space.
  ///
  /// - Returns: how many are removed.
  @discardableResult
  public static func removeLeftovers(in folder: String, olderThan age: Int = 60) -> Int {
    let folder = Path(folder)
    var removed = 0
    for name in (try? FolderListing.names(in: folder)) ?? [] {
      guard let process = process(of: name), kill(process, 0) != 0, errno == ESRCH else { continue }
      let path = folder.appending(name)
      guard let status = path.ownStatus, status.isRegular,
        time(nil) - status.changed >= age
      else { continue }
      if path.withCString({ unlink($0) }) == 0 { removed += 1 }
    }
    return removed
  }

  /// The process in a temporary file's name; nil for other names.
  static func process(of name: [UInt8]) -> pid_t? {
    guard name.starts(with: ".l2l-".utf8), name.suffix(4).elementsEqual(".tmp".utf8) else {
      return nil
    }
    let parts = name.dropFirst(5).dropLast(4).split(
      separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count == 2, let process = pid_t(String(decoding: parts[0], as: UTF8.self)),
      process > 0,
      parts[1].elementsEqual("probe".utf8)
        || parts[1].allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return process
  }
}

/// The system's `open`, under a name that the member above does not hide.
private func create(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
  open(path, flags, mode)
}
