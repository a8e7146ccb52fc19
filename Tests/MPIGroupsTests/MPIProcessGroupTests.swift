import MPI
import MPIGroups
import ProcessGroups
import Testing

/// Runs as ranks of mpirun, started by Scripts/test-mpi, and is skipped otherwise.
///
/// All ranks run the same tests in the same order (serialized) on the thread that initialized MPI
/// (the main actor).
@Suite(
  .serialized,
  .enabled(if: Environment.detectLauncher() != nil, "needs mpirun: Scripts/test-mpi"))
@MainActor
struct MPIProcessGroupTests {
  // MPI can be initialized once in a process, so that all tests share it.
  private static let shared = Result { try MPIProcessGroup(timeout: .seconds(20)) }

  private func group() throws -> MPIProcessGroup { try Self.shared.get() }

  @Test("ranks are numbered and share out work evenly and completely")
  func shares() throws {
    let group = try group()
    #expect((0..<group.count).contains(group.rank))
    #expect(!group.host.isEmpty)
    for total in [0, 1, 2, 3, 5, 64] {
      var owners = [Int64](repeating: 0, count: total)
      for index in group.share(of: total) { owners[index] += 1 }
      try group.sum(&owners)
      #expect(owners == Array(repeating: 1, count: total))
      #expect(abs(group.share(of: total).count - total / group.count) <= 1)
    }
  }

  @Test("a maximum is found whichever rank has it, for all signs")
  func maximum() throws {
    let group = try group()
    for owner in 0..<group.count {
      let isOwner = group.rank == owner
      var values: [Int64] = isOwner ? [.max, -1, 5, .min] : [.min, -2, -5, .min]
      try group.maximum(&values)
      #expect(values == [.max, -1, 5, .min])
    }
  }

  @Test("sums wrap around")
  func wrappingSum() throws {
    let group = try group()
    var values: [Int64] = [.max, .min, -1, 1 << 62]
    let expected = values.map { value in (0..<group.count).reduce(0) { sum, _ in sum &+ value } }
    try group.sum(&values)
    #expect(values == expected)
  }

  @Test("bits of doubles survive a sum with zeros: infinities, NaN, -0")
  func doubles() throws {
    let group = try group()
    let special: [Double] = [
      .infinity, -.infinity, -0.0, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -1.5,
    ]
    for owner in 0..<group.count {
      var bits = special.map { group.rank == owner ? Int64(bitPattern: $0.bitPattern) : 0 }
      try group.sum(&bits)
      #expect(bits.map { UInt64(bitPattern: $0) } == special.map(\.bitPattern))
    }
  }

  @Test("long messages are summed whole")
  func longSum() throws {
    let group = try group()
    var values = (0..<200_000).map { Int64($0) &* 0x1E37_79B9_7F4A_7C15 &+ Int64(group.rank) }
    let expected = (0..<200_000).map { index in
      (0..<group.count).reduce(Int64(0)) {
        $0 &+ (Int64(index) &* 0x1E37_79B9_7F4A_7C15 &+ Int64($1))
      }
    }
    try group.sum(&values)
    let isSame = values == expected
    #expect(isSame)
  }

  @Test("rank 0 gathers bytes of different lengths, nothing included")
  func gather() throws {
    let group = try group()
    func bytes(_ rank: Int) -> [UInt8] { Array(repeating: UInt8(rank), count: rank * 1000) }
    let all = try group.gather(bytes(group.rank))
    #expect((all == nil) == (group.rank != 0))
    if let all { #expect(all == (0..<group.count).map(bytes)) }
    let nothing = try group.gather([])
    if group.rank == 0 { #expect(nothing == Array(repeating: [], count: group.count)) }
  }

  @Test("rank 0's bytes reach all ranks, whatever these had")
  func broadcast() throws {
    let group = try group()
    for count in [0, 1, 100_000] {
      let expected = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      var bytes = group.rank == 0 ? expected : [1, 2, 3]
      try group.broadcast(&bytes)
      #expect(bytes == expected)
    }
  }

  @Test("ranks that differ are named")
  func agreement() throws {
    let group = try group()
    try group.agree(on: [("version", 1), ("options", .max)])
    guard group.count > 1 else { return }
    let last = group.count - 1
    let error = #expect(throws: Disagreement.self) {
      try group.agree(on: [("version", 1), ("options", group.rank == last ? 0 : .max)])
    }
    #expect(error?.item == "options")
    #expect(error?.ranks == [last])
  }
}
