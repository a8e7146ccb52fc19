import CMPI

/// A group of ranks with a space of messages of its own.
///
/// A class, since it stands for one object inside MPI that is shared by those who use it and is
/// freed exactly once: when the last reference goes. The world and the process alone
/// (`Environment.world`, `.alone`) are MPI's and are not freed.
///
/// Rules that MPI does not check:
/// - every rank of the communicator makes the same collective calls in the same order;
/// - with the same element count, type and root: a difference is no error in MPI but a crash of
///   some rank or a wait for ever. Agree on sizes at the start;
/// - one thread at a time (``ThreadLevel``); hence the type is not `Sendable`.
package final class Communicator {
  let handle: CMPI_Comm
  let polling: Polling
  private let isOwned: Bool

  /// This process's rank, 0..<size.
  package let rank: Int

  /// The number of ranks.
  package let size: Int

  /// How long every operation that waits may take, nil for ever.
  ///
  /// With a limit, a peer that hangs becomes `MPIError.timeout` on the others. Duplicates and
  /// parts take over the value that their origin has when they are made.
  package var timeout: Duration?

  /// The greatest count given to MPI in one call, the same on all ranks; tests make it small.
  package var maximumCount = Int(Int32.max)

  init(
    _ handle: CMPI_Comm, isOwned: Bool, polling: Polling, timeout: Duration?
  ) throws(MPIError) {
    var (rank, size): (Int32, Int32) = (0, 0)
    try check("MPI_Comm_set_errhandler", CMPI_Comm_set_errors_return(handle))
    try check("MPI_Comm_rank", CMPI_Comm_rank(handle, &rank))
    try check("MPI_Comm_size", CMPI_Comm_size(handle, &size))
    self.handle = handle
    self.polling = polling
    self.isOwned = isOwned
    self.rank = Int(rank)
    self.size = Int(size)
    self.timeout = timeout
  }

  deinit {
    // MPI_Comm_free is collective in name, but no rank waits in it; it waits for nothing that is
    // in flight either. After an abandoned operation the communicator is left alone.
    guard isOwned, !Operation.anyWasAbandoned, mpiIsRunning() else { return }
    var freed = handle
    _ = CMPI_Comm_free(&freed)
  }

  // MARK: - Making others. Each of these is a collective.

  /// A communicator of the same ranks whose messages can't be mistaken for this one's.
  package func duplicate() throws(MPIError) -> Communicator {
    var made = handle
    try meet()
    try check("MPI_Comm_dup", CMPI_Comm_dup(handle, &made))
    return try derived(made)
  }

  /// The part of this communicator whose ranks gave the same color.
  ///
  /// - Parameters:
  ///   - color: 0 or more; nil to be in no part.
  ///   - key: Ranks of a part are ordered by key, then by their rank here.
  /// - Returns: nil when `color` is nil.
  package func split(color: Int?, key: Int = 0) throws(MPIError) -> Communicator? {
    precondition((color ?? 0) >= 0, "a color is 0 or more, not \(color ?? 0)")
    var made = handle
    var isNull: Int32 = 0
    try meet()
    let code = CMPI_Comm_split(handle, Int32(color ?? -1), Int32(key), &made, &isNull)
    try check("MPI_Comm_split", code)
    return isNull != 0 ? nil : try derived(made)
  }

  /// The ranks that share this rank's node, in the same order as here.
  package func splitShared() throws(MPIError) -> Communicator {
    var made = handle
    try meet()
    try check("MPI_Comm_split_type", CMPI_Comm_split_shared(handle, Int32(rank), &made))
    return try derived(made)
  }

  private func derived(_ made: CMPI_Comm) throws(MPIError) -> Communicator {
    let result = try Communicator(made, isOwned: true, polling: polling, timeout: timeout)
    result.maximumCount = maximumCount
    return result
  }

  /// A barrier, where there is a time limit: communicators are made by blocking calls, which wait
  /// for ever for a rank that does not come.
  private func meet() throws(MPIError) {
    if timeout != nil { try barrier() }
  }

  // MARK: - Where this rank is

  /// The name of this rank's host, as MPI knows it.
  package var host: String { hostName() }
}
