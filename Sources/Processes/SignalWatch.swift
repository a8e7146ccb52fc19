internal import CProcesses
internal import Platform

/// Notes the signals that ask a program to stop, so that it can do so at a good place.
///
/// The first signal is noted; a SIGINT after it, a second Ctrl-C, ends the program at once. A signal
/// that is ignored when watching starts stays ignored: `nohup` and `&` in a script ask for that. No
/// thread is needed. Restores what was before when the value goes away.
///
///     let signals = try SignalWatch(notice: "stopping; press Ctrl-C again to stop at once\n")
///     while signals.first == nil { … }
package final class SignalWatch: Sendable {
  /// The signals that ask to stop: of the terminal (INT, HUP when it goes away), of launchers and
  /// batch systems (TERM, USR1, USR2), and of a limit of processor time (XCPU).
  package static let standard: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

  /// Signals are watched already: there is one handler a process.
  package struct AlreadyWatching: Error {}

  private let parent: pid_t?

  /// Starts to watch.
  ///
  /// - Parameters:
  ///   - signals: at most 16.
  ///   - notice: written to standard error when the first one comes, at once.
  ///   - watchesParent: whether the end of the parent process, a launcher that was killed, counts as
  ///     SIGTERM.
  /// - Throws: `AlreadyWatching`.
  package init(
    _ signals: [Int32] = standard, notice: String? = nil, watchesParent: Bool = false
  ) throws(AlreadyWatching) {
    parent = watchesParent ? getppid() : nil
    let code =
      if let notice {
        cproc_watch(signals, Int32(signals.count), notice)
      } else {
        cproc_watch(signals, Int32(signals.count), nil)
      }
    precondition(code != E2BIG, "\(signals.count) signals are over \(CPROC_MOST_SIGNALS)")
    guard code == 0 else { throw AlreadyWatching() }
  }

  deinit { cproc_unwatch() }

  /// The first signal of the latest watch, nil before one came: for code that does not know the watch.
  package static var latest: Int32? {
    let number = cproc_first_signal()
    return number == 0 ? nil : number
  }

  /// The first signal, nil before one came.
  package var first: Int32? {
    if let number = Self.latest { return number }
    // The system gives orphans another parent.
    if let parent, getppid() != parent { return SIGTERM }
    return nil
  }

  /// Makes this process ignore signals whose news come as an error as well: SIGPIPE of a reader that
  /// has gone away, SIGXFSZ of the limit of file sizes.
  package static func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}
