import MPI
import Testing

/// The suites that need MPI: they run when the test bundle is started by mpirun, as Scripts/test-mpi
/// does, and are skipped otherwise.
///
/// All ranks must run the same tests in the same order, hence one serialized suite around all of
/// them, and on the thread that initialized MPI, hence the main actor.
@Suite(.serialized, .enabled(if: Ranks.areLaunched, "needs mpirun: Scripts/test-mpi"))
@MainActor
struct Ranked {}

enum Ranks {
  /// Asked before MPI is initialized: afterwards every process looks launched.
  static let areLaunched = Environment.detectLauncher() != nil

  // MPI can be initialized once in a process, so that all tests share it.
  @MainActor private static let shared = Result { () throws(MPIError) in
    try Environment.initialize(timeout: .seconds(20))
  }

  /// MPI of this process.
  @MainActor static func environment() throws -> Environment { try shared.get() }

  /// All ranks.
  @MainActor static func world() throws -> Communicator { try shared.get().world }

  /// Communicators that every collective must work on: the world, a duplicate, a duplicate that
  /// cuts operations into pieces of a few elements, and one with the ranks in reverse.
  @MainActor static func communicators() throws -> [Communicator] {
    let world = try world()
    let pieces = try world.duplicate()
    pieces.maximumCount = 7
    let reversed = try #require(try world.split(color: 0, key: world.size - world.rank))
    return [world, try world.duplicate(), pieces, reversed]
  }

  /// Element counts around the size of a piece.
  static let counts = [0, 1, 6, 7, 8, 14, 15, 1000]
}

/// The error that a closure throws.
func error(of body: () throws(MPIError) -> Void) -> MPIError? {
  do throws(MPIError) {
    try body()
    return nil
  } catch {
    return error
  }
}
