internal import Platform

// Turns the facts of a `FileError` into one line. Names can hold anything and are escaped, so that
// a hostile name cannot write to the user's terminal.

extension FileError: CustomStringConvertible {
  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .cannotRead(let path, let call, let code):
      "cannot read \(MessageText.quoted(path)): \(call): \(MessageText.system(code))"
    case .cannotWrite(let path, let call, let code):
      "cannot write \(MessageText.quoted(path)): \(call): \(MessageText.system(code));"
        + " \(Self.advice(code))"
    case .notARegularFile(let path):
      "cannot read \(MessageText.quoted(path)): it is not a regular file; give a file, not a folder, pipe or"
        + " device"
    case .tooLarge(let path, let bytes, let limit):
      "cannot read \(MessageText.quoted(path)): it has \(bytes) bytes, over the limit of \(limit)"
    case .noName:
      "a path is empty; give the name of a file"
    case .exists(let path):
      "\(MessageText.quoted(path)) exists already; choose another name, or move it away"
    case .isInput(let path, let input):
      path == input
        ? "\(MessageText.quoted(path)) would be read and written; choose another output"
        : "the output \(MessageText.quoted(path)) is the same file as the input"
          + " \(MessageText.quoted(input)); choose another output"
    case .claimed(let path):
      "another process is at work in \(MessageText.quoted(path)); wait for its end, or choose"
        + " another folder"
    case .notUTF8(let text):
      "the argument \(MessageText.quoted(text)) is not UTF-8; rename the file, or set a link to it"
    }
  }

  private static func advice(_ code: Int32) -> String {
    switch code {
    case ENOSPC, EDQUOT: "free some space or choose another folder"
    case EFBIG: "the limit of file sizes (ulimit -f) is too low; raise it"
    case EACCES, EPERM, EROFS: "choose a folder that you may write to"
    case ENOENT: "create the folder first"
    case ENOTDIR: "a part of the path is a file, not a folder; choose another"
    case EISDIR: "choose the name of a file"
    case ENXIO: "nobody reads from it; start its reader first"
    case ELOOP: "choose a name that leads somewhere"
    default: "nothing that was there before is changed"
    }
  }
}
