internal import Platform

/// The check, before any work, that a file can be written at its end.
public enum OutputFile {
  /// Checks that an output can be made, and that making it destroys nothing.
  ///
  /// - A missing folder, one that can't hold new files, a read-only disk: only making a file tells,
  ///   so a temporary one is made and removed.
  /// - A file that is there is never overwritten, least of all an input: two names of one file are
  ///   known by device and inode, so links and other spellings don't hide it.
  /// - A link that leads to nothing is an output like any other: its target is to be made.
  /// - A device or a pipe is written into; it is not opened, which could wait for a reader.
  ///
  /// - Parameters:
  ///   - path: the output.
  ///   - inputs: files and folders that are read; what does not exist is passed over.
  ///   - mayReplace: whether a regular file that is there may be replaced.
  /// - Throws: `FileError.noName`, `isInput`, `exists` or `cannotWrite`.
  public static func check(
    _ path: String, inputs: [String] = [], mayReplace: Bool = false
  ) throws(FileError) {
    guard !path.isEmpty else { throw .noName }
    let output = Path(path)
    if let status = output.status {
      let same = inputs.first { Path($0).status?.isSameFile(as: status) ?? false }
      // Such a device keeps nothing that could be destroyed: a terminal is read and written.
      if let same, !status.isCharacterDevice { throw .isInput(path: path, input: same) }
      guard !status.isFolder else { throw .cannotWrite(path: path, call: "open", code: EISDIR) }
      guard status.isRegular, !output.isOpenDescriptor else {
        guard output.withCString({ access($0, W_OK) }) == 0 else {
          throw .cannotWrite(path: path, call: "open", code: errno)
        }
        return
      }
      guard mayReplace else { throw .exists(path: path) }
    } else if errno != ENOENT {
      throw .cannotWrite(path: path, call: "open", code: errno)
    }
    try probe(output, path)
  }

  private static func probe(_ output: Path, _ path: String) throws(FileError) {
    do throws(CallFailure) {
      guard let target = output.followingLinks() else { throw CallFailure("open") }
      guard !target.mustBeFolder else {
        // `results/` without that folder is no file's name.
        throw CallFailure("open", code: target.status == nil ? ENOENT : EISDIR)
      }
      try TemporaryFiles.probe(target.parent)
      // The name itself may be too long.
      if target.ownStatus == nil, errno != ENOENT { throw CallFailure("open") }
    } catch {
      throw .cannotWrite(path: path, call: error.call, code: error.code)
    }
  }

}
