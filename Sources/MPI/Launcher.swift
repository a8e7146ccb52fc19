internal import Platform

/// What started this process as one of several, as far as the environment tells.
package struct Launcher: Sendable, Hashable {
  /// The protocol by which ranks find each other.
  package enum Kind: String, Sendable, Hashable {
    /// Open MPI's mpirun.
    case openMPI = "Open MPI's mpirun"
    /// A PMIx server that is not Open MPI's, as `srun --mpi=pmix`.
    case pmix = "a PMIx launcher"
    /// A PMI server: MPICH's or Intel's mpirun, `srun --mpi=pmi2`.
    case processManager = "a PMI launcher"
    /// srun with several tasks and no MPI support.
    case slurm = "srun without MPI support"
  }

  /// The protocol.
  package var kind: Kind

  /// This process's rank, when announced.
  package var rank: Int?

  /// The number of processes, when announced.
  package var size: Int?

  /// The number of processes on this node, when announced.
  package var localSize: Int?

  /// Makes a launcher of given facts.
  package init(kind: Kind, rank: Int?, size: Int?, localSize: Int? = nil) {
    (self.kind, self.rank, self.size, self.localSize) = (kind, rank, size, localSize)
  }

  /// Looks for a launcher's marks among environment variables.
  ///
  /// Must be asked before MPI is initialized: a process that initializes MPI alone gets the same
  /// variables. The order is that of reliability:
  /// - OMPI_COMM_WORLD_SIZE comes first, since Open MPI's mpirun may itself have been started by
  ///   srun, whose step then counts nodes.
  /// - PMIX_RANK has no size of its own; Slurm's step knows it. A PMIx server always names the job too
  ///   (PMIX_NAMESPACE): a rank alone was left behind, and MPI_Init would end the process.
  /// - A Slurm step of several tasks without a PMI would be so many separate programs.
  ///   SLURM_PROCID alone means nothing: the shell of a batch job has it.
  package static func detect(_ variable: (String) -> String?) -> Launcher? {
    func number(_ name: String) -> Int? { variable(name).flatMap { Int($0) } }
    let stepSize = number("SLURM_STEP_NUM_TASKS")
    if let size = number("OMPI_COMM_WORLD_SIZE") {
      return Launcher(
        kind: .openMPI, rank: number("OMPI_COMM_WORLD_RANK"), size: size,
        localSize: number("OMPI_COMM_WORLD_LOCAL_SIZE"))
    }
    if let rank = number("PMIX_RANK"), variable("PMIX_NAMESPACE") != nil {
      return Launcher(kind: .pmix, rank: rank, size: stepSize, localSize: singleNodeSize(variable))
    }
    if let size = number("PMI_SIZE") {
      let local = number("MPI_LOCALNRANKS") ?? singleNodeSize(variable)
      return Launcher(
        kind: .processManager, rank: number("PMI_RANK"), size: size, localSize: local)
    }
    if let rank = number("PMI_RANK") {
      return Launcher(kind: .processManager, rank: rank, size: stepSize)
    }
    if let stepSize, stepSize > 1, let rank = number("SLURM_PROCID") {
      return Launcher(kind: .slurm, rank: rank, size: stepSize)
    }
    return nil
  }

  /// All tasks of a Slurm step run here when it has one node.
  private static func singleNodeSize(_ variable: (String) -> String?) -> Int? {
    guard variable("SLURM_STEP_NUM_NODES") == "1" else { return nil }
    return variable("SLURM_STEP_NUM_TASKS").flatMap { Int($0) }
  }
}

extension Launcher.Kind: CustomStringConvertible {
  /// The launcher's name in a sentence.
  package var description: String { rawValue }
}

/// The value of an environment variable of this process.
func environmentVariable(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }
}
