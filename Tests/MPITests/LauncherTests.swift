import MPI
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Launcher {
  /// The fault that Scripts/test-mpi asks for.
  static func detectFault() -> String? { getenv("L2L_MPI_FAULT").map { String(cString: $0) } }
}

@Suite struct LauncherTests {
  private func detect(_ variables: [String: String]) -> Launcher? {
    Launcher.detect { variables[$0] }
  }

  @Test("without a launcher's variables there is no launcher")
  func none() {
    #expect(detect([:]) == nil)
    #expect(detect(["PATH": "/bin"]) == nil)
  }

  @Test("the shell of a Slurm batch job is not a launcher")
  func batchShell() {
    #expect(detect(["SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"]) == nil)
    #expect(detect(["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"]) == nil)
  }

  @Test("Open MPI's mpirun announces rank, size and the ranks of this node")
  func openMPI() {
    let found = detect([
      "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2",
      "OMPI_COMM_WORLD_LOCAL_SIZE": "2", "PMIX_RANK": "2", "SLURM_STEP_NUM_TASKS": "2",
    ])
    #expect(found == Launcher(kind: .openMPI, rank: 2, size: 4, localSize: 2))
  }

  @Test("srun's PMIx announces a rank, its step the size")
  func pmix() {
    let step = [
      "PMIX_RANK": "1", "PMIX_NAMESPACE": "job", "SLURM_STEP_NUM_TASKS": "3",
      "SLURM_STEP_NUM_NODES": "1",
    ]
    #expect(detect(step) == Launcher(kind: .pmix, rank: 1, size: 3, localSize: 3))
    #expect(
      detect(["PMIX_RANK": "1", "PMIX_NAMESPACE": "job"])
        == Launcher(kind: .pmix, rank: 1, size: nil))
    // Left behind by something: no server would answer.
    #expect(detect(["PMIX_RANK": "3"]) == nil)
  }

  @Test("MPICH's mpirun announces rank and size by PMI")
  func mpich() {
    let found = detect(["PMI_RANK": "0", "PMI_SIZE": "3", "MPI_LOCALNRANKS": "3"])
    #expect(found == Launcher(kind: .processManager, rank: 0, size: 3, localSize: 3))
  }

  @Test("several tasks of srun without a PMI are a launcher that MPI can't see")
  func plainSrun() {
    let found = detect(["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"])
    #expect(found == Launcher(kind: .slurm, rank: 1, size: 4))
  }
}

@Suite struct MPIErrorTests {
  @Test("an error's text is one line that says what, where and what to do")
  func text() {
    let call = FailedCall(
      function: "MPI_Ibcast", errorClass: 7, code: 7, text: "Invalid root\nstack", rank: 3,
      host: "node2")
    #expect("\(MPIError.call(call))" == "MPI_Ibcast failed on rank 3 (node2): Invalid root stack")
    let late = TimedOutOperation(
      function: "MPI_Iallreduce", seconds: 600, rank: 0, host: "node0")
    #expect(
      "\(MPIError.timeout(late))"
        == "MPI_Iallreduce was not complete after 600.0 s on rank 0 (node0): another rank hangs,"
        + " is gone, or is slow")
    let launcher = Launcher(kind: .slurm, rank: 1, size: 4)
    #expect(
      "\(MPIError.launcherMismatch(launcher: launcher, worldSize: 1))"
        == "srun without MPI support announced 4 processes, but MPI sees 1: the program was built"
        + " for another MPI than its launcher belongs to; use srun --mpi=pmix, or a single task")
  }
}

@Suite struct CommunicationBufferTests {
  @Test("a buffer holds what it was made of, also nothing")
  func contents() {
    #expect(CommunicationBuffer<Float>(copying: []).array().isEmpty)
    #expect(CommunicationBuffer<Int32>(copying: [3, 1, 4]).array() == [3, 1, 4])
    #expect(CommunicationBuffer<Double>(repeating: 2, count: 3).array() == [2, 2, 2])
    var buffer = CommunicationBuffer<UInt8>(repeating: 0, count: 4)
    buffer.withUnsafeMutableBufferPointer { $0[2] = 9 }
    #expect(buffer[2] == 9)
    #expect(buffer.count == 4)
  }

  @Test("the elements start on a cache line")
  func alignment() {
    for count in [0, 1, 17, 5_301] {
      let buffer = CommunicationBuffer<Float>(repeating: 0, count: count)
      let address = buffer.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
      #expect(address % 64 == 0)
    }
  }
}
