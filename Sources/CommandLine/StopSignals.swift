import MPIGroups
import Processes

/// The signals that ask a command to stop, so that it can do so at a good place.
///
/// A launcher that is gone counts as SIGTERM where MPI does not notice it: in a process that is its
/// only one.
struct StopSignals: Sendable {
  private let watch: SignalWatch?

  /// Starts to watch; a command that runs inside another one's watch is told by that.
  init() {
    let launch = Launch.current
    watch = try? SignalWatch(
      notice: launch.rank == 0
        ? "l2l: stopping after this unroll; press Ctrl-C again to stop at once\n" : nil,
      watchesParent: launch.hasLauncher && !launch.isDistributed)
  }

  /// The first signal, nil before one came.
  var first: Int32? { watch.map(\.first) ?? SignalWatch.latest }
}
