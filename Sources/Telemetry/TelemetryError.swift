package import Files

/// What can be wrong with the files that a training is followed by.
package enum TelemetryError: Error, Equatable, Sendable {
  /// A file or folder can't be read or written.
  case file(FileError)
  /// A table of metrics has a line that is none; counted from 1.
  case malformedMetrics(path: String, line: Int)
  /// A new training was to write into a folder with another one's event files.
  case folderInUse(path: String, file: String)
}

/// Turns the error of a file into one of this target.
func inFile<Value>(_ body: () throws(FileError) -> Value) throws(TelemetryError) -> Value {
  do throws(FileError) {
    return try body()
  } catch {
    throw .file(error)
  }
}
