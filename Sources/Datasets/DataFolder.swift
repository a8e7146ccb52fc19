internal import Platform

/// The folder that data sets are looked for in, and who named it.
///
/// It is the argument, else the environment variable `L2L_DATA_DIR` unless empty, else the standard
/// folder, of which nobody promised that it exists.
struct DataFolder {
  /// The folder.
  let path: String
  /// Who named it.
  let origin: DataFolderOrigin

  init(argument: String?, environment: String?, standard: String) {
    if let argument {
      (path, origin) = (argument, .argument)
    } else if let environment, !environment.isEmpty {
      (path, origin) = (environment, .environment)
    } else {
      (path, origin) = (standard, .standard)
    }
  }

  /// Whether the user asks for synthetic images by naming the folder `synthetic`; a real folder of
  /// that name is `./synthetic`.
  var isSynthetic: Bool { origin != .standard && path == SyntheticImages.directory }

  /// Whether the folder is there.
  var exists: Bool { Self.isFolder(path) }

  /// The value of `L2L_DATA_DIR`, if it is set.
  static func environmentDirectory() -> String? {
    getenv("L2L_DATA_DIR").map { String(cString: $0) }
  }

  /// Whether a path leads to a folder.
  static func isFolder(_ path: String) -> Bool { fileType(path) == S_IFDIR }

  /// Whether a path leads to a regular file.
  static func isFile(_ path: String) -> Bool { fileType(path) == S_IFREG }

  /// The kind of what a path leads to; nil when there is nothing.
  private static func fileType(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }
}
