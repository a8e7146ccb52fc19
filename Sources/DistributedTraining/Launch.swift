internal import MPI
public import MetaTraining

/// How this process was started: alone, or as one of several by mpirun or srun.
public struct Launch: Sendable {
  /// What can be wrong with the way that processes were started.
  public enum Fault: Error, Equatable, Sendable {
    /// srun started several processes that can't find each other.
    case srunWithoutMPI(tasks: Int)
    /// MPI could not be used.
    case mpi(String)
  }

  private let launcher: Launcher?

  /// What the environment says; ask before anything initializes MPI.
  public static var current: Launch { Launch(launcher: Environment.detectLauncher()) }

  /// Whether this is one of several processes, or may be.
  public var isDistributed: Bool { launcher.map { $0.size != 1 } ?? false }

  /// This process's rank as announced by the launcher, 0 for a process alone.
  public var rank: Int { launcher?.rank ?? 0 }

  /// The group of all processes that were started together.
  ///
  /// A process alone initializes no MPI. Several processes that can't find each other are an error:
  /// they would all train the same and overwrite each other's files.
  ///
  /// - Throws: `Launch.Fault`.
  public func group(timeout: Duration) throws(Fault) -> any ProcessGroup {
    guard let launcher, isDistributed else { return SoleProcess() }
    if launcher.kind == .slurm { throw .srunWithoutMPI(tasks: launcher.size ?? 0) }
    do {
      return try MPIProcessGroup(timeout: timeout)
    } catch {
      throw .mpi("\(error)")
    }
  }

  /// Whether an error says that a peer did not answer in time.
  public static func isTimeout(_ error: any Error) -> Bool {
    if case MPIError.timeout = error { true } else { false }
  }

  /// An MPI error as a sentence; nil for other errors.
  public static func sentence(_ error: any Error) -> String? { (error as? MPIError)?.description }
}
