import Dispatch
import Foundation
import Synchronization

/// Notes SIGINT, SIGTERM and SIGUSR1, so that a training can stop at a good place.
///
/// The first signal is noted; a SIGINT after it ends the program at once.
final class StopSignals: Sendable {
  private let received = Atomic<Int32>(0)
  // Sources are immutable after `init` and end with the program.
  nonisolated(unsafe) private var sources: [any DispatchSourceSignal] = []

  init(_ signals: [Int32] = [SIGINT, SIGTERM, SIGUSR1]) {
    let queue = DispatchQueue(label: "signals")
    sources = signals.map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in
        guard let self else { return }
        if self.received.exchange(number, ordering: .relaxed) == 0 {
          StandardError.notice("stopping after this unroll; press Ctrl-C again to stop at once")
        } else if number == SIGINT {
          // Launchers repeat SIGTERM; only a person's second Ctrl-C means what it says.
          Self.end(by: number)
        }
      }
      source.resume()
      return source
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
