import CMPI

/// How a rank waits: by asking MPI again and again, less and less eagerly.
///
/// MPI makes progress only inside its calls, and blocking in MPI_Wait would neither end at a
/// deadline nor give up the core. Three phases:
/// 1. spin, while the answer is expected within microseconds and the core is this rank's own;
/// 2. test and yield: costs nothing when nobody else wants the core;
/// 3. test in bursts and sleep for 1/128 of the time waited so far (1 us, which Linux makes 55, to
///    1 ms): a long wait gets about 1% longer. A burst, because one test moves at most one
///    fragment of a large message.
///
/// Spinning on shared cores is a disaster: the rank that is waited for can't run until the
/// scheduler's slice ends (measured: 8 to 16 ms a collective instead of 0.05 ms). Yielding alone
/// does not always help, since Linux's scheduler may choose the same process again: 4 ranks on 2
/// cores with MPICH took 2.4 ms when they yielded for 1 ms, 0.3 ms when for 50 us.
struct Polling: Sendable {
  /// Nanoseconds after which waiting yields.
  var spin: UInt64
  /// Nanoseconds after which waiting sleeps.
  var yield: UInt64

  /// For ranks that have a core each.
  static let dedicated = Polling(spin: 200_000, yield: 20_000_000)
  /// For more ranks than cores.
  static let shared = Polling(spin: 0, yield: 50_000)

  private static let burst = 32
  // What nobody has come to by then may be asked for.
  private static let long: UInt64 = 100_000_000
  // Nobody sleeps that long between two questions.
  private static let suspension: UInt64 = 1_000_000_000
  private static let sleepRange: ClosedRange<UInt64> = 1_000...1_000_000

  /// Asks until the answer is yes; false when the time is up.
  func wait(
    atMost limit: Duration?, until isDone: () throws(MPIError) -> Bool
  ) throws(MPIError) -> Bool {
    if try isDone() { return true }
    var start = clock()
    var last = start
    let deadline = limit.map(nanoseconds) ?? .max
    while true {
      if try isDone() { return true }
      let now = clock()
      // Time in which this process itself was stopped says nothing about its peers.
      if now &- last > Self.suspension { start &+= now &- last }
      last = now
      let elapsed = now &- start
      if elapsed >= deadline { return false }
      if elapsed < spin { continue }
      if elapsed < yield {
        _ = CMPI_Yield()
        continue
      }
      for _ in 1..<Self.burst where try isDone() { return true }
      if elapsed > Self.long { RollCall.current?.answerQuestions() }
      let pause = min(max(elapsed / 128, Self.sleepRange.lowerBound), Self.sleepRange.upperBound)
      _ = CMPI_Sleep(UInt32(min(pause, deadline - elapsed) / 1000))
    }
  }
}

/// Nanoseconds of the monotonic clock.
func clock() -> UInt64 {
  var now: UInt64 = 0
  _ = CMPI_Clock(&now)
  return now
}

/// A duration in nanoseconds; negative ones are 0, those above 500 years the greatest number.
private func nanoseconds(_ duration: Duration) -> UInt64 {
  let (seconds, attoseconds) = duration.components
  guard seconds >= 0, attoseconds >= 0 else { return 0 }
  let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
  return overflow ? .max : whole.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000).0
}
