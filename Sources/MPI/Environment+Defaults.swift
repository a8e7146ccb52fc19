internal import Platform

/// Open MPI's parameters that are better than its defaults for this program.
///
/// They are environment variables, which other MPIs ignore, and are set only where the user has
/// not: mpirun's `--mca` and its own decisions arrive as the same variables.
extension Environment {
  static let yieldParameter = "OMPI_MCA_mpi_yield_when_idle"

  static func setDefaults(for launcher: Launcher?) {
    guard let launcher, let localSize = launcher.localSize else { return }
    // All ranks on one node: shared memory it is, and the search for networks, most of the time
    // that MPI_Init takes, is left out. Over several nodes Open MPI must look for itself, since
    // fast networks are driven by other layers than ob1. Every rank comes to the same decision.
    if localSize == launcher.size { setDefault("OMPI_MCA_pml", "ob1") }
    // Inside MPI's own waits (init, finalize) a rank gives up a core that others need.
    if localSize > CPUSet.online() { setDefault(yieldParameter, "1") }
  }

  private static func setDefault(_ name: String, _ value: String) {
    setenv(name, value, 0)
  }
}
