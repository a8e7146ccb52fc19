extension MPIError: CustomStringConvertible {
  /// One line: what happened, where, and what to do.
  package var description: String {
    switch self {
    case .call(let call):
      let text = call.text.split(whereSeparator: \.isNewline).joined(separator: " ")
      return "\(call.function) failed\(place(call.rank, call.host)): \(text)"
    case .timeout(let operation):
      let fact =
        "\(operation.function) was not complete after \(operation.seconds) s"
        + place(operation.rank, operation.host)
      guard !operation.missing.isEmpty else {
        return "\(fact): another rank hangs, is gone, or is slow"
      }
      return "\(names(operation.missing)) not answer: \(fact)"
    case .launcherMismatch(let launcher, let size):
      let announced = launcher.size.map { "\($0) processes" } ?? "rank \(launcher.rank ?? 0)"
      return "\(launcher.kind) announced \(announced), but MPI sees \(size): the program was"
        + " built for another MPI than its launcher belongs to; \(launcher.kind.remedy)"
    case .threadLevel(let required, let provided):
      return "MPI was asked for thread level \(required) but provides only \(provided)"
    case .alreadyInitialized:
      return "MPI can be initialized only once in a process"
    }
  }

  /// "rank 1 on node1 does", "rank 1 on node1 and rank 2 on node1 do", as the start of a sentence.
  private func names(_ peers: [Peer]) -> String {
    let shown = 8
    var names = peers.prefix(shown).map { "rank \($0.rank) on \($0.host)" }
    if peers.count > shown { names.append("\(peers.count - shown) more") }
    let last = names.removeLast()
    guard !names.isEmpty else { return "\(last) does" }
    return names.joined(separator: ", ") + " and \(last) do"
  }

  private func place(_ rank: Int?, _ host: String) -> String {
    rank.map { " on rank \($0) (\(host))" } ?? " (\(host))"
  }
}

extension Launcher.Kind {
  fileprivate var remedy: String {
    switch self {
    case .openMPI, .processManager:
      "use the mpirun of the MPI it was built for, or build it again with L2L_MPI set"
    case .pmix: "use srun --mpi=pmix, or the mpirun of the MPI it was built for"
    case .slurm: "use srun --mpi=pmix, or a single task"
    }
  }
}
