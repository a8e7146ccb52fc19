internal import Dispatch

/// Reports a call of MPI that takes too long and can be given no time limit.
///
/// MPI_Init and MPI_Finalize wait for ever for a rank that does not come. The report is made by
/// another thread while the call still waits, so it must not call MPI and has to end the process:
/// the launcher then ends the others.
struct Watchdog {
  private let item: DispatchWorkItem?

  /// Starts to wait for `cancel`, where there are a limit and somebody to report to.
  init(
    _ function: StaticString, limit: Duration?, rank: Int?,
    report: (@Sendable (MPIError) -> Never)?
  ) {
    guard let limit, let report else {
      item = nil
      return
    }
    // The host's name is asked for now, since MPI knows it.
    let host = hostName()
    let (seconds, attoseconds) = limit.components
    let total = Double(seconds) + Double(attoseconds) / 1e18
    let item = DispatchWorkItem {
      report(
        .timeout(
          TimedOutOperation(function: "\(function)", seconds: total, rank: rank, host: host)))
    }
    // Over a year is for ever.
    DispatchQueue.global().asyncAfter(deadline: .now() + min(total, 4e7), execute: item)
    self.item = item
  }

  /// The call has returned.
  func cancel() { item?.cancel() }
}
