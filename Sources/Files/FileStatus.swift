internal import Platform

/// What the system knows of a file without opening it.
package struct FileStatus: Sendable {
  private let device: UInt64
  private let inode: UInt64
  /// Kind and permissions.
  let mode: mode_t
  /// The bytes of a regular file.
  package let size: Int
  /// Seconds since 1970 of the last change of the content.
  package let changed: Int

  /// What `stat` has found.
  init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
    mode = status.st_mode
    size = Int(status.st_size)
    #if canImport(Darwin)
      changed = status.st_mtimespec.tv_sec
    #else
      changed = status.st_mtim.tv_sec
    #endif
  }

  /// Whether it is a regular file.
  package var isRegular: Bool { mode & S_IFMT == S_IFREG }
  /// Whether it is a folder.
  package var isFolder: Bool { mode & S_IFMT == S_IFDIR }
  /// Whether it is a named pipe.
  package var isPipe: Bool { mode & S_IFMT == S_IFIFO }
  /// Whether it is a device that bytes go through: a terminal, `/dev/null`.
  package var isCharacterDevice: Bool { mode & S_IFMT == S_IFCHR }
  /// Who may read, write and execute it.
  var permissions: mode_t { mode & 0o777 }

  /// Whether both are one file, whatever they are called.
  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}
