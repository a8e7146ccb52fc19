import MPIGroups
internal import Platform
import Processes
import Synchronization

/// Standard error, a line at a time.
///
/// What can't be written is dropped: a full disk behind a log must not stop a training.
enum StandardError {
  static let isTerminal = isatty(STDERR_FILENO) != 0

  /// Writes the text as one line.
  static func write(_ line: String) { put(oneLine(line) + "\n") }

  static func put(_ text: String) { _ = writeAll(text, to: STDERR_FILENO) }

  /// Tells the user something, once: ranks other than 0 are silent.
  static func notice(_ text: String) {
    if Launch.current.rank == 0 { write("l2l: \(text)") }
  }

  /// The text with control characters spelled out and cut when very long: names of files and what
  /// stands in them can hold anything.
  static func oneLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(2000) {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result + (text.unicodeScalars.dropFirst(2000).isEmpty ? "" : "…")
  }
}

/// Standard output, written line by line so that logs can be followed.
enum StandardOutput {
  private static let writer = Mutex(LineWriter(STDOUT_FILENO))
  private static let waits = Atomic<Bool>(true)

  /// Lets lines wait in memory while their reader stalls: a pager or a stopped terminal must not hold
  /// up a training, nor hide a signal that asks it to stop.
  static func neverWait() { waits.store(false, ordering: .relaxed) }

  static func write(_ line: String) {
    writer.withLock { writer in
      writer.write(line)
      if waits.load(ordering: .relaxed) { writer.flush { SignalWatch.latest != nil } }
    }
  }

  /// Waits until everything is written, unless a signal asks to stop, and says whether it is; a reader
  /// that has gone away (`l2l list | head`) is no failure.
  ///
  /// - Throws: `Failure` with the first error.
  static func check() throws {
    let code = writer.withLock { writer in
      writer.flush { SignalWatch.latest != nil }
      return writer.failure
    }
    guard code == 0 || code == EPIPE else {
      throw Failure(
        .cannotWrite,
        code == EAGAIN
          ? "standard output took too little for too long, and lines are lost; send it to a file"
          : "cannot write to standard output: \(String(cString: strerror(code))); send it elsewhere"
      )
    }
  }
}

/// Writes all of the text; returns 0, or the `errno` of the call that failed.
private func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { Platform.write(descriptor, $0.baseAddress, $0.count) }
    if written > 0 {
      bytes = bytes.dropFirst(written)
    } else if written == 0 || errno != EINTR {
      return written == 0 ? EIO : errno
    }
  }
  return 0
}
