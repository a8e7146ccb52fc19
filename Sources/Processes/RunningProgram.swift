internal import CProcesses
internal import Platform
internal import Synchronization

/// A program that runs beside this one, in a process group of its own.
///
/// Started by posix_spawn and asked by waitpid for itself alone: no thread, no pipe and no other child
/// of this process is looked at, so many can be started at the same time. It is killed, with its
/// helpers, when the value goes away before it has ended.
package final class RunningProgram: Sendable {
  /// The program could not be started.
  package struct NotStarted: Error, Equatable {
    /// An `errno`.
    public let code: Int32
  }

  /// Its process, which is also its process group.
  package let process: Int32
  private let status = Mutex<Int32?>(nil)

  /// Starts a program with an empty standard input and no other descriptor of this process.
  ///
  /// - Parameters:
  ///   - program: its path.
  ///   - arguments: behind the program's name.
  ///   - environment: its variables; this process's when nil.
  ///   - folder: its current folder; this process's when nil.
  ///   - output: the descriptor of its standard output; nil for none.
  ///   - errors: that of its standard error.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil,
    folder: String? = nil, output: Int32? = nil, errors: Int32? = nil
  ) throws(NotStarted) {
    var process: Int32 = 0
    let code = Self.withStrings([program] + arguments) { words in
      let start = { (variables: UnsafePointer<UnsafeMutablePointer<CChar>?>?) in
        cproc_spawn(&process, program, words, variables, folder, output ?? -1, errors ?? -1)
      }
      guard let environment else { return start(nil) }
      return Self.withStrings(environment.map { "\($0)=\($1)" }, start)
    }
    guard code == 0 else { throw NotStarted(code: code) }
    self.process = process
  }

  deinit { if end == nil { killAll() } }

  private static func withStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let words = texts.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    return words.withUnsafeBufferPointer { buffer in
      // It has the terminator at least.
      body(buffer.baseAddress.unsafelyUnwrapped)
    }
  }

  /// How it ended; nil while it runs.
  package var end: ChildProcess.Outcome.End? {
    status.withLock { status in
      if status == nil { status = collected(WNOHANG) }
      return status.map(Self.end)
    }
  }

  /// Its wait status once it has ended; that of exit code 127 when somebody else has collected it.
  private func collected(_ options: Int32) -> Int32? {
    var status: Int32 = 0
    while true {
      let found = waitpid(process, &status, options)
      if found == process { return status }
      if found == 0 { return nil }
      if errno != EINTR { return 127 << 8 }
    }
  }

  private static func end(_ status: Int32) -> ChildProcess.Outcome.End {
    let signal = status & 0x7f
    return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
  }

  /// Waits for its end, at most so many seconds; nil when it still runs then.
  package func wait(atMost seconds: Double) -> ChildProcess.Outcome.End? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
      if let end { return end }
      guard ContinuousClock.now < deadline else { return nil }
      usleep(5_000)
    }
  }

  /// Sends a signal, if it still runs.
  package func send(_ signal: Int32) {
    status.withLock { status in
      if status == nil { status = collected(WNOHANG) }
      // Not collected, so the number is still its own.
      if status == nil { kill(process, signal) }
    }
  }

  /// Kills it and all that is in its process group, and waits for its end.
  package func killAll() {
    status.withLock { status in
      guard status == nil else { return }
      kill(-process, SIGKILL)
      kill(process, SIGKILL)
      status = collected(0)
    }
  }
}
