import MPI
import Testing

extension Ranked {
  @Suite @MainActor struct EnvironmentTests {
    @Test("MPI sees as many ranks as the launcher announced")
    func size() throws {
      let environment = try Ranks.environment()
      let launcher = try #require(environment.launcher)
      #expect(launcher.size == environment.world.size)
      #expect(launcher.rank == environment.world.rank)
      #expect(environment.alone.size == 1)
      #expect(environment.alone.rank == 0)
      #expect(environment.library.contains("MPI"))
    }

    @Test("a second initialization is an error")
    func twice() throws {
      _ = try Ranks.environment()
      let error = error { () throws(MPIError) in _ = try Environment.initialize() }
      #expect(error == .alreadyInitialized)
    }

    @Test("the ranks of this machine agree on how they share it")
    func placement() throws {
      let environment = try Ranks.environment()
      let (world, place) = (environment.world, environment.placement)
      #expect(place.ranksOnNode == world.size)
      #expect(place.rankOnNode == world.rank)
      #expect(place.allowedCPUs >= 1 && place.allowedCPUs <= place.onlineCPUs)
      #expect(place.threads >= 1 && place.threads <= place.allowedCPUs)
      #expect(!place.host.isEmpty)
      let all = try world.allGather(Int64(place.allowedCPUsOfNode))
      #expect(Set(all).count == 1)
      #expect(place.isOversubscribed == (world.size > place.allowedCPUsOfNode))
    }
  }

  @Suite @MainActor struct CommunicatorTests {
    @Test("a duplicate has the same ranks and the same limit, but messages of its own")
    func duplicate() throws {
      let world = try Ranks.world()
      guard world.size > 1 else { return }
      let copy = try world.duplicate()
      #expect(copy.rank == world.rank && copy.size == world.size)
      #expect(copy.timeout == world.timeout)
      let next = (world.rank + 1) % world.size
      try copy.send([1], to: next)
      try world.send([2], to: next)
      #expect(try world.receive().bytes == [2])
      #expect(try copy.receive().bytes == [1])
    }

    @Test("a split has the ranks of one color, ordered by key")
    func split() throws {
      let world = try Ranks.world()
      let part = try #require(try world.split(color: world.rank % 2, key: -world.rank))
      let members = try part.allGather(Int64(world.rank))
      let expected = (0..<world.size).filter { $0 % 2 == world.rank % 2 }.reversed()
      #expect(members == expected.map { Int64($0) })
    }

    @Test("a rank without a color is in no part")
    func noColor() throws {
      let world = try Ranks.world()
      let part = try world.split(color: world.rank == 0 ? nil : 3)
      #expect((part == nil) == (world.rank == 0))
      #expect((part?.size ?? world.size - 1) == world.size - 1)
    }

    @Test("the ranks of one machine are on one node")
    func shared() throws {
      let world = try Ranks.world()
      let node = try world.splitShared()
      #expect(node.size == world.size && node.rank == world.rank)
    }

    @Test("communicators are freed with their last reference")
    func manyCommunicators() throws {
      let environment = try Ranks.environment()
      // MPICH can have 2,048 at a time.
      for _ in 0..<2_500 { _ = try environment.alone.duplicate() }
      for _ in 0..<20 { _ = try environment.world.duplicate() }
    }
  }
}
