internal import Platform

/// What a folder that is to hold a run's files holds now.
///
/// A run that is killed right after its start leaves a folder with some of the files that every
/// start makes. Nobody's work is in them: a new start and a resumption both take such a folder over.
public enum FolderState: Equatable, Sendable {
  /// Nothing is there.
  case missing
  /// The folder holds nothing, or only what a start makes before there is anything to go on with.
  case fresh
  /// The folder holds the file that a run goes on from.
  case resumable
  /// The folder holds something else, and no run to go on with; one of its names.
  case foreign(name: String)

  /// Looks into a folder.
  ///
  /// - Parameters:
  ///   - resumeFile: the name of the file that a run goes on from.
  ///   - startFiles: names of the files that a start makes, and the most bytes that it puts there.
  ///     Temporary files of `AtomicFile` count too, of any size.
  /// - Throws: `FileError.cannotRead`: ENOTDIR for what is no folder, EACCES for a folder that may
  ///   not be read or one on the way that may not be passed. Neither is the same as `missing`.
  public init(
    of path: String, resumeFile: String, startFiles: [String: Int]
  ) throws(FileError) {
    guard !path.isEmpty else { throw .noName }
    let folder = Path(path)
    guard folder.status != nil else {
      let code = errno
      guard code == ENOENT else { throw .cannotRead(path: path, call: "stat", code: code) }
      // A link that leads to nothing: mkdir would say that it exists.
      if folder.ownStatus != nil { throw .cannotRead(path: path, call: "stat", code: ENOENT) }
      self = .missing
      return
    }
    let names = try FolderListing.names(in: folder)
    guard !names.contains(Array(resumeFile.utf8)) else {
      self = .resumable
      return
    }
    let foreign = names.filter { name in
      guard let status = folder.appending(name).ownStatus else { return errno != ENOENT }
      guard status.isRegular else { return true }
      if TemporaryFiles.process(of: name) != nil { return false }
      // As bytes: Swift's == takes canonically equivalent names as one.
      let limit = startFiles.first { Array($0.key.utf8) == name }?.value
      return status.size > limit ?? -1
    }
    let first = foreign.min { $0.lexicographicallyPrecedes($1) }
    self = first.map { .foreign(name: String(decoding: $0, as: UTF8.self)) } ?? .fresh
  }
}
