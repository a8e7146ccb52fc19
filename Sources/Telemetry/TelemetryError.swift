/// What can be wrong with the files that a training is followed by.
public enum TelemetryError: Error, Equatable, Sendable {
  /// A system call on a file or folder failed.
  case cannotWrite(path: String, call: String, code: Int32)
  /// A file can't be read.
  case cannotRead(path: String, code: Int32)
  /// A table of metrics has a line that is none; counted from 1.
  case malformedMetrics(path: String, line: Int)
  /// A new training was to write into a folder with another one's event files.
  case folderInUse(path: String, file: String)
}
