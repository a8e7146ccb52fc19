import MPI
import Testing

extension Ranked {
  @Suite @MainActor struct NonBlockingTests {
    private func ramp(_ rank: Int, _ count: Int) -> [Int64] {
      (0..<count).map { Int64($0 * 10 + rank) }
    }

    @Test("collectives in flight together don't mix, and may be waited for in any order")
    func together() throws {
      for comm in try Ranks.communicators() {
        let mine = CommunicationBuffer(copying: ramp(comm.rank, 50))
        let all = try comm.iAllReduce(mine, .sum)
        let barrier = try comm.iBarrier()
        let copy = try comm.iBroadcast(CommunicationBuffer(copying: ramp(comm.rank, 9)), from: 0)
        let parts = try comm.iAllGather(CommunicationBuffer(copying: ramp(comm.rank, 20)))
        let root = comm.size - 1
        let rooted = try comm.iGather(CommunicationBuffer(copying: ramp(comm.rank, 20)), to: root)
        let least = try comm.iReduce(CommunicationBuffer(copying: ramp(comm.rank, 8)), .min, to: 0)

        let ranks = 0..<comm.size
        #expect(try least.wait().array() == ramp(comm.rank == 0 ? 0 : comm.rank, 8))
        let gathered = ranks.flatMap { ramp($0, 20) }
        #expect(try rooted.wait().array() == (comm.rank == root ? gathered : []))
        #expect(try parts.wait().array() == gathered)
        #expect(try copy.wait().array() == ramp(0, 9))
        #expect(try barrier.wait().count == 0)
        let sums = (0..<50).map { i in ranks.reduce(0) { $0 + Int64(i * 10 + $1) } }
        #expect(try all.wait().array() == sums)
      }
    }

    @Test("test() ends in completion, after which wait returns at once")
    func test() throws {
      let world = try Ranks.world()
      var pending = try world.iAllReduce(CommunicationBuffer<Float>(repeating: 2, count: 9), .sum)
      let end = ContinuousClock.now + .seconds(20)
      while try !pending.test(), ContinuousClock.now < end {}
      #expect(try pending.test())
      let result = try pending.wait(timeout: .zero)
      #expect(result.array() == Array(repeating: Float(2 * world.size), count: 9))
    }

    @Test("the memory that comes back is the memory that was given")
    func sameMemory() throws {
      let world = try Ranks.world()
      var buffer = CommunicationBuffer<Double>(repeating: 1, count: 100)
      let before = buffer.withUnsafeBufferPointer { $0.baseAddress }
      for _ in 0..<3 { buffer = try world.iAllReduce(buffer, .sum).wait() }
      #expect(buffer.withUnsafeBufferPointer { $0.baseAddress } == before)
      let cube = Double(world.size * world.size * world.size)
      #expect(buffer[99] == cube)
      buffer[99] = 5
      #expect(buffer.array() == Array(repeating: cube, count: 99) + [5])
    }

    @Test("a collective of one rank alone is complete")
    func alone() throws {
      let alone = try Ranks.environment().alone
      let buffer = CommunicationBuffer<Float>(copying: [1, 2, 3])
      #expect(try alone.iAllReduce(buffer, .sum).wait().array() == [1, 2, 3])
    }
  }

  @Suite @MainActor struct MessageTests {
    @Test("messages of any length go round a ring in the order they were sent")
    func ring() throws {
      // Short enough that MPI keeps copies: all ranks send before they receive.
      let counts = [0, 1, 6, 7, 8, 14, 15, 100]
      for comm in try Ranks.communicators() where comm.size > 1 {
        let next = (comm.rank + 1) % comm.size
        let previous = (comm.rank + comm.size - 1) % comm.size
        for count in counts {
          try comm.send(Array(repeating: UInt8(comm.rank), count: count), to: next, tag: 4)
        }
        for count in counts {
          let message = try comm.receive(from: previous, tag: 4)
          #expect(message.bytes == Array(repeating: UInt8(previous), count: count))
          #expect(message.source == previous)
        }
      }
    }

    @Test("a message is chosen by its tag")
    func tags() throws {
      let world = try Ranks.world()
      guard world.size > 1 else { return }
      let next = (world.rank + 1) % world.size
      try world.send([1], to: next, tag: 1)
      try world.send([2], to: next, tag: 2)
      #expect(try world.receive(tag: 2).bytes == [2])
      #expect(try world.receive(tag: 1).bytes == [1])
    }

    @Test("a message can be received from any rank, and says from which")
    func anySource() throws {
      let world = try Ranks.world()
      if world.rank > 0 { try world.send([UInt8(world.rank)], to: 0, tag: 9) }
      guard world.rank == 0 else { return }
      let sources = try (1..<world.size).map { _ in
        let message = try world.receive(tag: 9)
        #expect(message.bytes == [UInt8(message.source)])
        return message.source
      }
      #expect(sources.sorted() == Array(1..<world.size))
    }

    @Test("a message too long for MPI to keep a copy arrives whole")
    func long() throws {
      let world = try Ranks.world()
      guard world.size > 1 else { return }
      let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
      if world.rank == 0 { try world.send(bytes, to: 1) }
      if world.rank == 1 { #expect(try world.receive(from: 0).bytes == bytes) }
    }
  }
}
