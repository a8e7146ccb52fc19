internal import Platform

/// A folder that belongs to this process until the value goes away.
///
/// Two runs in one folder would overwrite each other's files. File systems that can't lock folders,
/// as some NFS, let both go on.
public final class FolderClaim: Sendable {
  private let descriptor: Int32

  /// Claims a folder, and removes what killed processes have left there.
  ///
  /// - Throws: `FileError.claimed` when another process has it; `cannotRead` for a folder that can't
  ///   be opened, since it can't be locked either; `cannotWrite` for one that can't hold new files.
  public init(_ path: String) throws(FileError) {
    let descriptor = Path(path).withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw .cannotRead(path: path, call: "open", code: errno) }
    var code: Int32 = 0
    repeat {
      code = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
    } while code == EINTR
    guard code != EWOULDBLOCK else {
      close(descriptor)
      throw .claimed(path: path)
    }
    do throws(CallFailure) {
      try TemporaryFiles.probe(Path(path))
    } catch {
      close(descriptor)
      throw .cannotWrite(path: path, call: error.call, code: error.code)
    }
    self.descriptor = descriptor
    TemporaryFiles.removeLeftovers(in: path)
  }

  deinit { close(descriptor) }
}

/// Making folders.
public enum Folder {
  /// Makes a folder and those on the way that are missing.
  ///
  /// - Returns: the folders that were made, the outermost first; empty when all were there.
  /// - Throws: `FileError.cannotWrite`; folders that were made are removed then.
  @discardableResult
  public static func make(_ path: String) throws(FileError) -> [String] {
    guard !path.isEmpty else { throw .noName }
    var missing: [Path] = []
    var folder = Path(path)
    while folder.status == nil, errno == ENOENT, folder.parent != folder {
      missing.append(folder)
      folder = folder.parent
    }
    var made: [String] = []
    for folder in missing.reversed() {
      // Somebody else may have made it, and `a/..` needs `a` to be made first.
      guard folder.withCString({ mkdir($0, 0o777) }) != 0 else {
        made.append(folder.text)
        continue
      }
      let code = errno
      if code == EEXIST, folder.status?.isFolder ?? false { continue }
      remove(made)
      throw .cannotWrite(path: path, call: "mkdir", code: code)
    }
    guard let status = Path(path).status, status.isFolder else {
      remove(made)
      throw .cannotWrite(path: path, call: "mkdir", code: ENOTDIR)
    }
    return made
  }

  /// Removes folders as far as they are empty, the last first: what `make` has returned.
  public static func remove(_ made: [String]) {
    for folder in made.reversed() { _ = Path(folder).withCString { rmdir($0) } }
  }
}
