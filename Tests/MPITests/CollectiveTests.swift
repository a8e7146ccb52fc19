import MPI
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Ranked {
  @Suite @MainActor struct CollectiveTests {
    /// An element that tells rank and index, in the range of every type.
    private func element<E: Numeric>(_ rank: Int, _ index: Int) -> E {
      E(exactly: (rank * 31 + index * 7) % 61) ?? 0
    }

    private func elements<E: Numeric>(_ rank: Int, _ count: Int) -> [E] {
      (0..<count).map { element(rank, $0) }
    }

    @Test("a broadcast brings the root's elements to every rank, whoever is root")
    func broadcast() throws {
      func check<E: MPIElement & Numeric>(_ type: E.Type) throws {
        for comm in try Ranks.communicators() {
          for root in 0..<comm.size {
            for count in Ranks.counts {
              var values: [E] = elements(comm.rank, count)
              try comm.broadcast(&values, from: root)
              #expect(values == elements(root, count))
            }
            let known: [E] = comm.rank == root ? elements(root, 23) : []
            #expect(try comm.broadcast(contentsOf: known, from: root) == elements(root, 23))
            #expect(try comm.broadcast(element(comm.rank, 5) as E, from: root) == element(root, 5))
          }
        }
      }
      try check(UInt8.self)
      try check(Int32.self)
      try check(Int64.self)
      try check(UInt64.self)
      try check(Float.self)
      try check(Double.self)
    }

    @Test("a broadcast of raw bytes works on the caller's memory")
    func broadcastBytes() throws {
      for comm in try Ranks.communicators() {
        var bytes: [UInt8] = elements(comm.rank, 100)
        try bytes.withUnsafeMutableBytes { try comm.broadcast($0, from: comm.size - 1) }
        #expect(bytes == elements(comm.size - 1, 100))
      }
    }

    @Test("all-reduce gives every rank the sum, the greatest and the smallest, index by index")
    func allReduce() throws {
      func check<E: MPIElement & Numeric & Comparable>(_ type: E.Type) throws {
        for comm in try Ranks.communicators() {
          for count in Ranks.counts {
            let all: [[E]] = (0..<comm.size).map { elements($0, count) }
            func expected(_ combine: (E, E) -> E) -> [E] {
              (0..<count).map { i in all[1...].reduce(all[0][i]) { combine($0, $1[i]) } }
            }
            var values = all[comm.rank]
            try comm.allReduce(&values, .sum)
            #expect(values == expected(+))
            values = all[comm.rank]
            try comm.allReduce(&values, .max)
            #expect(values == expected(max))
            values = all[comm.rank]
            try values.withUnsafeMutableBufferPointer { try comm.allReduce($0, .min) }
            #expect(values == expected(min))
          }
          let one = try comm.allReduce(element(comm.rank, 3) as E, .sum)
          #expect(one == (0..<comm.size).map { element($0, 3) as E }.reduce(0, +))
        }
      }
      try check(Int32.self)
      try check(Int64.self)
      try check(UInt64.self)
      try check(Float.self)
      try check(Double.self)
    }

    @Test("a bitwise or has the bits of every rank")
    func bitwiseOr() throws {
      for comm in try Ranks.communicators() {
        let bits = try comm.allReduce(UInt64(1) << UInt64(comm.rank * 9), .bitwiseOr)
        #expect(bits == (0..<comm.size).reduce(0) { $0 | UInt64(1) << UInt64($1 * 9) })
        var flags = [Int32](repeating: 0, count: comm.size)
        flags[comm.rank] = -1
        try comm.allReduce(&flags, .bitwiseOr)
        #expect(flags.allSatisfy { $0 == -1 })
      }
    }

    @Test("the sum of 64-bit integers wraps around, the same in any order")
    func wrapping() throws {
      let world = try Ranks.world()
      let sum = try world.allReduce(Int64.max - Int64(world.rank), .sum)
      #expect(sum == (0..<world.size).reduce(0) { $0 &+ (Int64.max - Int64($1)) })
    }

    @Test("a reduction changes the root's array alone")
    func reduce() throws {
      for comm in try Ranks.communicators() {
        for root in 0..<comm.size {
          for count in Ranks.counts {
            var values: [Double] = elements(comm.rank, count)
            try comm.reduce(&values, .sum, to: root)
            let sums = (0..<count).map { i in
              (0..<comm.size).reduce(0.0) { $0 + element($1, i) }
            }
            #expect(values == (comm.rank == root ? sums : elements(comm.rank, count)))
          }
        }
      }
    }

    @Test("gathering keeps the order of ranks when they give different counts, or nothing")
    func gather() throws {
      for comm in try Ranks.communicators() {
        for scale in [0, 1, 5, 400] {
          let counts = (0..<comm.size).map { ($0 + 1) % 3 * scale }
          let expected: [[Float]] = counts.enumerated().map { elements($0, $1) }
          let own = expected[comm.rank]
          #expect(try comm.allGather(own) == expected)
          for root in 0..<comm.size {
            #expect(try comm.gather(own, to: root) == (comm.rank == root ? expected : nil))
          }
        }
        #expect(try comm.allGather(Int32(comm.rank)) == (0..<Int32(comm.size)).map { $0 })
        let text = try comm.allGather(Array("rank \(comm.rank)".utf8))
        #expect(
          text.map { String(decoding: $0, as: UTF8.self) }
            == (0..<comm.size).map { "rank \($0)" })
      }
    }

    @Test("no rank leaves a barrier before the last has come")
    func barrier() throws {
      let world = try Ranks.world()
      for late in 0..<world.size {
        if world.rank == late { try pause(.milliseconds(20)) }
        // All ranks of a test are on one machine, whose clock they share.
        let entered = monotonicTime()
        try world.barrier()
        let left = monotonicTime()
        let last = try #require(try world.allGather(entered).max())
        #expect(left >= last)
      }
    }
  }
}

/// Nanoseconds of the machine's clock.
private func monotonicTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Blocks this thread, as a long computation does.
func pause(_ duration: Duration) throws {
  let end = ContinuousClock.now + duration
  while ContinuousClock.now < end {}
}
