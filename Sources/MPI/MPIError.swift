import CMPI

/// What can go wrong between processes.
///
/// After any of these the ranks no longer agree on where they are: report it and call
/// ``Environment/abort(_:)``, which ends the whole job. Exiting with a plain `exit` would leave the
/// other ranks waiting in a collective.
package enum MPIError: Error, Sendable, Hashable {
  /// An MPI function returned an error code.
  case call(FailedCall)

  /// An operation was not complete when its time was up: a peer hangs, is gone, or is very slow.
  case timeout(TimedOutOperation)

  /// The launcher announced a number of ranks that MPI does not see.
  ///
  /// Most often the program was built with one MPI and started by the launcher of another: each
  /// process then believes it is alone.
  case launcherMismatch(launcher: Launcher, worldSize: Int)

  /// The MPI library can't be used by threads in the way that was asked for.
  case threadLevel(required: ThreadLevel, provided: ThreadLevel)

  /// `Environment.initialize` was called a second time, or after MPI was finalized.
  case alreadyInitialized
}

/// The facts of an MPI function that failed.
package struct FailedCall: Sendable, Hashable {
  /// The MPI function, as in `MPI_Iallreduce`.
  package var function: String

  /// The error's class; numbers differ between MPI implementations.
  package var errorClass: Int

  /// The code that the function returned.
  package var code: Int

  /// MPI's text for the code.
  package var text: String

  /// The rank in the world communicator; nil outside initialize and finalize.
  package var rank: Int?

  /// The host of this rank.
  package var host: String

  /// Makes the facts of a failed call.
  package init(
    function: String, errorClass: Int, code: Int, text: String, rank: Int?, host: String
  ) {
    (self.function, self.errorClass, self.code) = (function, errorClass, code)
    (self.text, self.rank, self.host) = (text, rank, host)
  }
}

/// The facts of an operation whose time was up.
package struct TimedOutOperation: Sendable, Hashable {
  /// The MPI function, as in `MPI_Iallreduce`.
  package var function: String

  /// How long was waited.
  package var seconds: Double

  /// The rank that waited, in the world communicator.
  package var rank: Int?

  /// The host of the rank that waited.
  package var host: String

  /// The ranks that did not come and do not answer; empty when that is not known.
  package var missing: [Peer]

  /// This rank's place among those that do answer, from 0: the first one can speak for all.
  package var position: Int?

  /// Makes the facts of an operation that was given up.
  package init(
    function: String, seconds: Double, rank: Int?, host: String, missing: [Peer] = [],
    position: Int? = nil
  ) {
    (self.function, self.seconds, self.rank, self.host) = (function, seconds, rank, host)
    (self.missing, self.position) = (missing, position)
  }
}

/// Another rank and where it is.
package struct Peer: Sendable, Hashable {
  /// The rank in the world communicator.
  package var rank: Int

  /// Its host.
  package var host: String

  /// Makes a peer.
  package init(rank: Int, host: String) { (self.rank, self.host) = (rank, host) }
}

// MARK: - The one place where codes become errors

/// Throws the error of an MPI function's code, unless it is success.
@inline(__always)
func check(_ function: StaticString, _ code: Int32) throws(MPIError) {
  if code != Int32(CMPI_SUCCESS) { throw failure(function, code) }
}

@inline(never)
private func failure(_ function: StaticString, _ code: Int32) -> MPIError {
  var errorClass = code
  if CMPI_Error_class(code, &errorClass) != Int32(CMPI_SUCCESS) { errorClass = code }
  let text = text { CMPI_Error_string(code, $0) }
  return .call(
    FailedCall(
      function: "\(function)", errorClass: Int(errorClass), code: Int(code),
      text: text ?? "error \(code)", rank: worldRank(), host: hostName()))
}

/// The error of an operation that was given up.
@inline(never)
func timeout(_ function: StaticString, _ limit: Duration) -> MPIError {
  let (seconds, attoseconds) = limit.components
  let (missing, position) = RollCall.current?.missing() ?? ([], nil)
  return .timeout(
    TimedOutOperation(
      function: "\(function)", seconds: Double(seconds) + Double(attoseconds) / 1e18,
      rank: worldRank(), host: hostName(), missing: missing, position: position))
}

// MARK: - Facts for errors

/// Whether MPI calls are allowed now.
func mpiIsRunning() -> Bool {
  var initialized: Int32 = 0
  var finalized: Int32 = 0
  return CMPI_Initialized(&initialized) == 0 && CMPI_Finalized(&finalized) == 0
    && initialized != 0 && finalized == 0
}

/// This process's rank in the world, when MPI is running.
func worldRank() -> Int? {
  var rank: Int32 = 0
  guard mpiIsRunning(), CMPI_Comm_rank(CMPI_Comm_world(), &rank) == 0 else { return nil }
  return Int(rank)
}

/// This node's name by MPI, when MPI is running, or else by the system.
func hostName() -> String {
  let name = text { mpiIsRunning() ? CMPI_Get_processor_name($0) : CMPI_Hostname($0) }
  return name ?? "unknown host"
}

/// The text that a C function writes into a buffer, or nil when it returns an error.
func text(_ fill: (UnsafeMutablePointer<CChar>) -> Int32) -> String? {
  // One byte more than any text: it is always terminated.
  let capacity = Int(CMPI_TEXT_CAPACITY) + 1
  return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
    buffer.initialize(repeating: 0)
    guard let start = buffer.baseAddress, fill(start) == Int32(CMPI_SUCCESS) else { return nil }
    return String(cString: start)
  }
}
