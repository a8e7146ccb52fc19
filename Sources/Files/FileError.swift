/// What can go wrong with a file or a folder, as facts.
///
/// The sentence for people is made in `FileError+Description.swift`.
public enum FileError: Error, Equatable, Sendable {
  /// A system call failed while reading; `code` is its `errno`.
  case cannotRead(path: String, call: String, code: Int32)
  /// A system call failed while writing; `code` is its `errno`, and what was at `path` is untouched.
  case cannotWrite(path: String, call: String, code: Int32)
  /// The path leads to a folder, a pipe or a device.
  case notARegularFile(path: String)
  /// The file has more bytes than the reader takes.
  case tooLarge(path: String, bytes: Int, limit: Int)
  /// There is no path: the empty text.
  case noName
  /// An output is there already, and nothing of the user's is overwritten.
  case exists(path: String)
  /// An output is the same file as an input, whatever the two are called.
  case isInput(path: String, input: String)
  /// Another process has claimed the folder.
  case claimed(path: String)
  /// An argument of the program is no valid UTF-8; `text` shows what it looks like.
  case notUTF8(text: String)
}
