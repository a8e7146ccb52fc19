import MPI
import Testing

extension Ranked {
  @Suite @MainActor struct FaultTests {
    @Test("an MPI error names the function, the text, the rank and the host")
    func badRoot() throws {
      let environment = try Ranks.environment()
      let world = environment.world
      let thrown = error { () throws(MPIError) in
        _ = try world.broadcast(Float(1), from: world.size + 1)
      }
      guard case .call(let call) = thrown else {
        Issue.record("expected a failed call, got \(String(describing: thrown))")
        return
      }
      #expect(call.function == "MPI_Ibcast")
      #expect(call.text.lowercased().contains("root"))
      #expect(call.code != 0 && call.errorClass != 0)
      #expect(call.rank == world.rank)
      #expect(call.host == environment.placement.host)
    }

    @Test("a bad destination and a bad tag are errors")
    func badMessage() throws {
      let world = try Ranks.world()
      let other = (world.rank + 1) % world.size
      for (destination, tag) in [(world.size, 0), (other, -5)] where destination != world.rank {
        let thrown = error { () throws(MPIError) in
          try world.send([1], to: destination, tag: tag)
        }
        guard case .call(let call) = thrown else {
          Issue.record("expected a failed call, got \(String(describing: thrown))")
          continue
        }
        #expect(call.function == "MPI_Isend")
      }
    }

    @Test("to wait for a message that nobody sends ends at the limit")
    func noMessage() throws {
      let comm = try Ranks.world().duplicate()
      comm.timeout = .milliseconds(30)
      let thrown = error { () throws(MPIError) in _ = try comm.receive(tag: 77) }
      guard case .timeout(let operation) = thrown else {
        Issue.record("expected a timeout, got \(String(describing: thrown))")
        return
      }
      #expect(operation.seconds == 0.03)
      #expect(operation.rank == comm.rank)
    }

    @Test("a rank that does not come becomes a timeout on the others")
    func latePeer() throws {
      let world = try Ranks.world()
      let comm = try world.duplicate()
      let late = comm.size - 1
      if comm.rank == late {
        // Blocks in a receive until the others have given up.
        for other in 0..<late { _ = try world.receive(from: other, tag: 5) }
      }
      let thrown = error { () throws(MPIError) in
        let pending = try comm.iAllReduce(CommunicationBuffer<Float>(repeating: 1, count: 3), .sum)
        _ = try pending.wait(timeout: comm.rank == late ? .seconds(20) : .milliseconds(50))
      }
      if comm.rank == late {
        #expect(thrown == nil)
      } else {
        guard case .timeout(let operation) = thrown else {
          Issue.record("expected a timeout, got \(String(describing: thrown))")
          return
        }
        #expect(operation.function == "MPI_Iallreduce")
        #expect(operation.seconds == 0.05)
        try world.send([], to: late, tag: 5)
      }
      // The late rank did come: the operation completes inside MPI, which may be finalized.
      try world.barrier()
      Operation.forgetAbandoned()
    }

    /// For Scripts/test-mpi, which expects that the job ends with an error soon.
    @Test(
      "a rank that hangs ends the job",
      .enabled(if: Launcher.detectFault() == "hang", "only with L2L_MPI_FAULT=hang"))
    func hang() throws {
      let comm = try Ranks.world().duplicate()
      comm.timeout = .seconds(1)
      if comm.rank == comm.size - 1 { try pause(.seconds(1000)) }
      try comm.barrier()
    }
  }
}
