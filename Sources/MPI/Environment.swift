import CMPI
internal import Platform

/// Which threads may call MPI.
package enum ThreadLevel: Int32, Sendable, Hashable, CaseIterable {
  /// Only the thread that initialized it.
  case funneled = 1
  /// Any thread, but never two at once.
  case serialized = 2
}

/// MPI in this process: made once, finalized once when the process exits.
///
/// Use it only when `detectLauncher()` finds more than one process: to initialize MPI costs tens
/// to hundreds of milliseconds, more in a process that no launcher started.
///
///     if let launcher = Environment.detectLauncher(), launcher.size != 1 {
///       let mpi = try Environment.initialize(launcher: launcher)
///       let total = try mpi.world.allReduce(Float(1), .sum)
///     }
///
/// A failure inside MPI_Init ends the process with MPI's own message; it can't be thrown.
package final class Environment {
  /// All ranks that were started together.
  package let world: Communicator

  /// This process as a communicator of one.
  package let alone: Communicator

  /// Where this rank runs.
  package let placement: Placement

  /// The MPI library's name and version, in one line.
  package let library: String

  /// What started this process.
  package let launcher: Launcher?

  // MARK: - Start

  /// What started this process as one of several, or nil.
  ///
  /// Ask before `initialize`: afterwards every process has the marks of a launcher.
  package static func detectLauncher() -> Launcher? {
    Launcher.detect(environmentVariable)
  }

  /// Initializes MPI and makes its errors codes that are thrown.
  ///
  /// A collective: it returns when all ranks are there.
  ///
  /// - Parameters:
  ///   - threads: Which threads will call MPI.
  ///   - launcher: Who said how many ranks there are.
  ///   - timeout: How long an operation of `world` may wait, this call and the finalization too.
  ///   - onHang: Called by another thread when this call or the finalization takes longer than
  ///     `timeout`: must not call MPI, and has to end the process.
  /// - Throws: `MPIError.launcherMismatch` when MPI sees another number of ranks than the launcher
  ///   announced: never run on then, each rank may think that it is alone. `threadLevel`;
  ///   `alreadyInitialized`.
  package static func initialize(
    threads: ThreadLevel = .funneled, launcher: Launcher? = detectLauncher(),
    timeout: Duration? = nil, onHang: (@Sendable (MPIError) -> Never)? = nil
  ) throws(MPIError) -> Environment {
    var (initialized, finalized, provided): (Int32, Int32, Int32) = (0, 0, 0)
    try check("MPI_Initialized", CMPI_Initialized(&initialized))
    try check("MPI_Finalized", CMPI_Finalized(&finalized))
    guard initialized == 0, finalized == 0 else { throw .alreadyInitialized }
    setDefaults(for: launcher)
    let watchdog = Watchdog(
      "MPI_Init_thread", limit: timeout, rank: launcher?.rank, report: onHang)
    defer { watchdog.cancel() }
    try check("MPI_Init_thread", CMPI_Init_thread(threads.rawValue, &provided))
    watchFinalization = {
      Watchdog("MPI_Finalize", limit: timeout, rank: worldRank(), report: onHang)
    }
    atexit { Environment.finalizeAtExit() }
    return try Environment(
      threads: threads, provided: provided, launcher: launcher, timeout: timeout)
  }

  private init(
    threads: ThreadLevel, provided: Int32, launcher: Launcher?, timeout: Duration?
  ) throws(MPIError) {
    let start = try Communicator(
      CMPI_Comm_world(), isOwned: false, polling: .shared, timeout: nil)
    try launcher?.verify(worldSize: start.size)
    guard provided >= threads.rawValue else {
      throw .threadLevel(required: threads, provided: ThreadLevel(rawValue: provided) ?? .funneled)
    }
    placement = try Placement(of: start.splitShared())
    let sharesCores =
      placement.isOversubscribed || environmentVariable(Self.yieldParameter) == "1"
    let polling: Polling = sharesCores ? .shared : .dedicated
    world = try Communicator(CMPI_Comm_world(), isOwned: false, polling: polling, timeout: timeout)
    alone = try Communicator(CMPI_Comm_self(), isOwned: false, polling: polling, timeout: timeout)
    library =
      text { CMPI_Get_library_version($0) }?
      .split(whereSeparator: \.isNewline).first.map(String.init) ?? "unknown MPI"
    self.launcher = launcher
  }

  /// Lets the errors of operations whose time is up name the ranks that do not answer.
  ///
  /// A collective.
  package func nameMissingRanks() throws(MPIError) {
    if world.size > 1, RollCall.current == nil { RollCall.current = try RollCall(of: world) }
  }

  // MARK: - End

  // Written once, before there is anything to finalize.
  private nonisolated(unsafe) static var watchFinalization: (() -> Watchdog)?

  /// Whether MPI calls are allowed now.
  package static var isRunning: Bool { mpiIsRunning() }

  /// Finalizes MPI now rather than at exit; later calls do nothing.
  ///
  /// A collective: it waits for the other ranks.
  package static func finalize() throws(MPIError) {
    guard mpiIsRunning() else { return }
    let watchdog = watchFinalization?()
    defer { watchdog?.cancel() }
    try check("MPI_Finalize", CMPI_Finalize())
  }

  /// Ends all ranks at once, with an exit code for the launcher.
  ///
  /// This is the way out after any error that the other ranks don't share. They are killed
  /// without a chance to save. Before initialize and after finalize it is a plain `exit`.
  package static func abort(_ code: Int32) -> Never {
    fflush(nil)
    if mpiIsRunning() { _ = CMPI_Abort(CMPI_Comm_world(), code) }
    exit(code)
  }

  /// An exit without MPI_Finalize would be a failure for mpirun.
  ///
  /// MPI_Finalize would wait for operations that were given up: then the job is aborted instead.
  private static func finalizeAtExit() {
    guard mpiIsRunning() else { return }
    if Operation.anyWasAbandoned {
      fflush(nil)
      _ = CMPI_Abort(CMPI_Comm_world(), EX_SOFTWARE)
      _exit(EX_SOFTWARE)
    }
    let watchdog = watchFinalization?()
    _ = CMPI_Finalize()
    watchdog?.cancel()
  }
}

extension Launcher {
  /// Throws unless MPI sees as many ranks as the launcher announced.
  func verify(worldSize: Int) throws(MPIError) {
    let agrees = size.map { $0 == worldSize } ?? ((rank ?? 0) < worldSize)
    if !agrees { throw .launcherMismatch(launcher: self, worldSize: worldSize) }
  }
}
