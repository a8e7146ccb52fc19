internal import CProcesses

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
    let (process, code) = spawn(program, arguments, errors: ends[1])
    close(ends[1])
    guard code == 0 else { return Outcome(end: .notStarted(code), errors: "") }
    var errors: [UInt8] = []
    let deadline = ContinuousClock.now + .seconds(timeout)
    var status: Int32 = 0
    while true {
      let ended = waitpid(process, &status, WNOHANG)
      collect(from: ends[0], into: &errors)
      let text = { String(decoding: errors, as: UTF8.self) }
      if ended == process {
        let signal = status & 0x7f
        return Outcome(
          end: signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal), errors: text())
      }
      if ended < 0, errno != EINTR { return Outcome(end: .notStarted(errno), errors: text()) }
      if ContinuousClock.now >= deadline {
        kill(-process, SIGKILL)
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return Outcome(end: .timedOut, errors: text())
      }
      // Woken by what it writes; else soon, since its end makes nothing readable.
      var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      poll(&entry, 1, 10)
      if entry.revents & Int16(POLLHUP) != 0 { usleep(2_000) }
    }
  }

  /// Starts the program in a process group of its own, with signals as they are by default.
  private static func spawn(
    _ program: String, _ arguments: [String], errors: Int32
  ) -> (process: pid_t, code: Int32) {
    #if canImport(Darwin)
      var (actions, attributes): (posix_spawn_file_actions_t?, posix_spawnattr_t?) = (nil, nil)
    #else
      var (actions, attributes) = (posix_spawn_file_actions_t(), posix_spawnattr_t())
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP))
    let words = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let code = posix_spawn(
      &process, program, &actions, &attributes, words + [nil], cproc_environment())
    return (process, code)
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
