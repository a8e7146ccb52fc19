import Foundation
package import ProcessGroups

/// Processes that are threads of this one: what `MPIProcessGroup` does, without MPI.
package final class FakeGroup: ProcessGroup {
  /// The thread.
  package let rank: Int
  /// How many threads there are.
  package let count: Int
  /// The thread in words.
  package var host: String { "thread \(rank)" }
  private let table: Table

  private init(rank: Int, count: Int, table: Table) {
    (self.rank, self.count, self.table) = (rank, count, table)
  }

  /// Calls a closure on as many threads as there are ranks.
  ///
  /// - Returns: what each rank's closure returned or threw.
  package static func run<Value: Sendable>(
    ranks: Int, _ body: @escaping @Sendable (FakeGroup) throws -> Value
  ) -> [Result<Value, any Error>] {
    let table = Table(count: ranks)
    let results = Results<Value>(count: ranks)
    let done = DispatchGroup()
    for rank in 0..<ranks {
      done.enter()
      let thread = Thread {
        let group = FakeGroup(rank: rank, count: ranks, table: table)
        results.set(rank, Result { try body(group) })
        done.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    done.wait()
    return results.all
  }

  /// The largest of each position.
  package func maximum(_ values: inout [Int64]) throws {
    let all = table.meet(rank, values)
    for index in values.indices { values[index] = all.map { $0[index] }.max() ?? 0 }
  }

  /// The sum of each position.
  package func sum(_ values: inout [Int64]) throws {
    let all = table.meet(rank, values)
    // From the last rank to the first: another order than MPI's.
    for index in values.indices {
      values[index] = all.reversed().reduce(0) { $0 &+ $1[index] }
    }
  }

  /// The bytes of all threads, on thread 0.
  package func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? {
    let all = table.meet(rank, bytes.map(Int64.init))
    return rank == 0 ? all.map { $0.map { UInt8($0) } } : nil
  }

  /// Thread 0's bytes.
  package func broadcast(_ bytes: inout [UInt8]) throws {
    bytes = table.meet(rank, bytes.map(Int64.init))[0].map { UInt8($0) }
  }
}

/// Where the ranks put down and pick up numbers.
///
/// `@unchecked Sendable`: what changes is behind the condition's lock.
private final class Table: @unchecked Sendable {
  private let condition = NSCondition()
  private var waiting: [[Int64]?]
  private var complete: [[Int64]] = []
  private var round = 0

  init(count: Int) { waiting = Array(repeating: nil, count: count) }

  /// Returns the numbers of all ranks once all are there.
  func meet(_ rank: Int, _ numbers: [Int64]) -> [[Int64]] {
    condition.lock()
    defer { condition.unlock() }
    let mine = round
    waiting[rank] = numbers
    let all = waiting.compactMap { $0 }
    if all.count == waiting.count {
      complete = all
      waiting = Array(repeating: nil, count: waiting.count)
      round += 1
      condition.broadcast()
      return all
    }
    while round == mine { condition.wait() }
    // The next round can't be complete before this rank joins it.
    return complete
  }
}

/// `@unchecked Sendable`: what changes is behind a lock.
private final class Results<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Int: Result<Value, any Error>] = [:]
  private let count: Int

  init(count: Int) { self.count = count }

  func set(_ rank: Int, _ value: Result<Value, any Error>) {
    lock.withLock { values[rank] = value }
  }

  var all: [Result<Value, any Error>] {
    lock.withLock { (0..<count).compactMap { values[$0] } }
  }
}
