internal import MPI
public import ProcessGroups

/// How this process was started: alone, or as one of several by mpirun or srun.
public struct Launch: Sendable {
  /// What can be wrong with the way that processes were started.
  public enum Fault: Error, Equatable, Sendable {
    /// srun started several processes that can't find each other.
    case srunWithoutMPI(tasks: Int)
    /// MPI does not see the processes that the launcher announced.
    case launcherMismatch(String)
    /// MPI could not be used.
    case mpi(String)

    /// Whether every process has the same fault, and the first of them is there to say it.
    ///
    /// A process that MPI sees alone may be: its rank was left behind in the environment.
    public var isShared: Bool { if case .srunWithoutMPI = self { true } else { false } }
  }

  private let launcher: Launcher?

  /// What the environment says.
  ///
  /// Ask a first time before anything initializes MPI, which changes the environment.
  public static let current = Launch(launcher: Environment.detectLauncher())

  /// Whether a launcher started this process, alone or with others.
  public var hasLauncher: Bool { launcher != nil }

  /// Whether this is one of several processes, or may be.
  public var isDistributed: Bool { launcher.map { $0.size != 1 } ?? false }

  /// This process's rank as announced by the launcher, 0 for a process alone.
  public var rank: Int { isDistributed ? launcher?.rank ?? 0 : 0 }

  /// The group of all processes that were started together.
  ///
  /// A process alone initializes no MPI. Several processes that can't find each other are an error:
  /// they would all train the same and overwrite each other's files.
  ///
  /// - Parameters:
  ///   - timeout: how long the others may keep this process waiting, now and later.
  ///   - onHang: called by another thread when they do so while MPI starts or ends; has to end
  ///     the process without calling MPI.
  /// - Throws: `Launch.Fault`.
  public func group(
    timeout: Duration, onHang: (@Sendable (any Error) -> Never)? = nil
  ) throws(Fault) -> any ProcessGroup {
    guard let launcher, isDistributed else { return SoleProcess() }
    if launcher.kind == .slurm { throw .srunWithoutMPI(tasks: launcher.size ?? 0) }
    do {
      return try MPIProcessGroup(checked: timeout, onHang: onHang)
    } catch {
      if case .launcherMismatch = error { throw .launcherMismatch("\(error)") }
      throw .mpi("\(error)")
    }
  }

  /// This process's place, from 0, among those that notice that a peer did not answer in time.
  ///
  /// nil for errors that say something else.
  public static func timeoutPosition(_ error: any Error) -> Int? {
    guard case MPIError.timeout(let operation) = error else { return nil }
    return operation.position ?? current.rank
  }

  /// Whether the processes that notice the same timeout know which of them is the first.
  public static func isFirstKnown(_ error: any Error) -> Bool {
    guard case MPIError.timeout(let operation) = error else { return false }
    return operation.position != nil
  }

  /// An MPI error as a sentence; nil for other errors.
  public static func sentence(_ error: any Error) -> String? { (error as? MPIError)?.description }
}
