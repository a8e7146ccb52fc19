import Dispatch
import DistributedTraining
import Foundation
import Synchronization

/// Notes SIGINT, SIGTERM and SIGUSR1, so that a training can stop at a good place.
///
/// The first signal is noted; a SIGINT after it ends the program at once. A launcher that is gone
/// counts as SIGTERM where MPI does not notice it: in a process that is its only one.
final class StopSignals: Sendable {
  private let received = Atomic<Int32>(0)
  // Sources are immutable after `init` and end with the program.
  nonisolated(unsafe) private var sources: [any DispatchSourceProtocol] = []

  init(_ signals: [Int32] = [SIGINT, SIGTERM, SIGUSR1]) {
    let queue = DispatchQueue(label: "signals")
    sources = signals.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in
        self?.note(number)
      }
      source.resume()
      return source
    }
    let launch = Launch.current
    guard launch.hasLauncher, !launch.isDistributed else { return }
    let parent = getppid()
    let timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now() + 1, repeating: 1)
    timer.setEventHandler { [weak self] in
      if getppid() != parent { self?.note(SIGTERM) }
    }
    timer.resume()
    sources.append(timer)
  }

  private func note(_ number: Int32) {
    if received.exchange(number, ordering: .relaxed) == 0 {
      StandardError.notice("stopping after this unroll; press Ctrl-C again to stop at once")
    } else if number == SIGINT {
      // Launchers repeat SIGTERM; only a person's second Ctrl-C means what it says.
      Self.end(by: number)
    }
  }

  /// Ends the program as the signal would have done.
  ///
  /// Dispatch blocks the signals of its sources on Linux, so that restoring the default action alone
  /// does nothing.
  private static func end(by number: Int32) {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
  }

  /// The first signal, nil before one came.
  var first: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}
