import Files
internal import Platform

/// The folder of a suite's results: a new one, or that of a run to go on with.
struct SuiteFolder {
  let path: String
  /// Folders that were made for it.
  private let made: [String]
  /// Lasts as long as the value.
  private let claim: FolderClaim

  /// Makes or takes over the folder; nobody else's files are ever in it.
  ///
  /// - Throws: `Failure` for a folder that holds something else, or a run that is not to be resumed.
  init(_ path: String, resumes: Bool) throws {
    try Self.require(path, resumes: resumes)
    made = try Folder.make(path)
    do {
      claim = try FolderClaim(path)
      // Another process may have been here in between.
      try Self.require(path, resumes: resumes)
    } catch {
      Folder.remove(made)
      throw error
    }
    self.path = path
  }

  /// Removes the folders that were made, if nothing is in them.
  func removeIfEmpty() { Folder.remove(made) }

  // Apart, because Swift 6.1's optimizer crashes on a pattern for an error of typed throws.
  private static func found(in path: String) throws -> FolderState {
    try FolderState(of: path, resumeFile: SuiteJournal.name, startFiles: [:])
  }

  private static func state(of path: String) throws -> FolderState {
    do {
      return try found(in: path)
    } catch FileError.cannotRead(_, _, let code) {
      throw Failure(
        .cannotWrite,
        "'\(path)' can't be used as a folder: \(String(cString: strerror(code)));"
          + " choose another --output")
    }
  }

  private static func require(_ path: String, resumes: Bool) throws {
    switch try state(of: path) {
    case .missing, .fresh: return
    case .resumable where resumes: return
    case .resumable:
      throw Failure(
        .cannotWrite,
        "'\(path)' exists already; choose another --output, or go on with what is in it by --resume"
      )
    case .foreign(let name):
      throw Failure(
        .cannotWrite,
        "'\(path)' exists already and holds '\(name)', which is no suite's; choose another --output"
      )
    }
  }
}
