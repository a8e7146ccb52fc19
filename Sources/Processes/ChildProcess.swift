internal import Platform

/// Programs that this one runs and waits for.
package enum ChildProcess {
  /// How a program ended.
  package struct Outcome: Equatable, Sendable {
    /// The way of its end.
    package enum End: Equatable, Sendable {
      /// It exited with a code.
      case exited(Int32)
      /// A signal ended it.
      case signalled(Int32)
      /// It was killed because it took too long.
      case timedOut
      /// It could not be started; an `errno`.
      case notStarted(Int32)
    }

    /// The way of its end.
    package let end: End
    /// The start of what it wrote to standard error.
    package let errors: String
  }

  /// Runs a program with an empty standard input, without its standard output.
  ///
  /// Waits for the program alone: what it leaves behind may live on and hold its pipes open.
  ///
  /// - Parameters:
  ///   - program: its path.
  ///   - arguments: behind the program's name.
  ///   - timeout: seconds after which it and its helpers are killed.
  package static func run(_ program: String, _ arguments: [String], timeout: Double) -> Outcome {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return Outcome(end: .notStarted(errno), errors: "") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    defer { close(ends[0]) }
    // With SIGCHLD ignored the system throws the exit code away.
    var (ignored, old) = (sigaction(), sigaction())
    sigaction(SIGCHLD, nil, &old)
    sigaction(SIGCHLD, &ignored, nil)
    defer { sigaction(SIGCHLD, &old, nil) }
    let started: RunningProgram
    do throws(RunningProgram.NotStarted) {
      defer { close(ends[1]) }
      started = try RunningProgram(program, arguments, errors: ends[1])
    } catch {
      return Outcome(end: .notStarted(error.code), errors: "")
    }
    var errors: [UInt8] = []
    let deadline = ContinuousClock.now + .seconds(timeout)
    while true {
      let end = started.end
      collect(from: ends[0], into: &errors)
      if let end { return Outcome(end: end, errors: String(decoding: errors, as: UTF8.self)) }
      if ContinuousClock.now >= deadline {
        started.killAll()
        return Outcome(end: .timedOut, errors: String(decoding: errors, as: UTF8.self))
      }
      // Woken by what it writes; else soon, since its end makes nothing readable.
      var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      poll(&entry, 1, 10)
      if entry.revents & Int16(POLLHUP) != 0 { usleep(2_000) }
    }
  }

  /// Reads what is there now: the end of the pipe may never come, as a helper may hold it open.
  private static func collect(from descriptor: Int32, into bytes: inout [UInt8]) {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
      bytes += buffer.prefix(min(count, max(0, 65_536 - bytes.count)))
    }
  }

  /// The first regular file of a name in a list of folders that may be executed.
  ///
  /// - Parameter path: folders between colons, as in `PATH`; empty entries are passed over.
  package static func find(_ name: String, in path: String) -> String? {
    path.utf8.split(separator: UInt8(ascii: ":")).map { "\(Substring($0))/\(name)" }.first { file in
      var status = stat()
      return stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        && access(file, X_OK) == 0
    }
  }
}
