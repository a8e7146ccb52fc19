import ProcessGroups

/// A group whose collectives take longer: what a slower network would do.
final class DelayedGroup: ProcessGroup {
  private let base: any ProcessGroup
  private let delay: Double

  init(_ base: any ProcessGroup, microseconds: Double) {
    self.base = base
    delay = microseconds * 1e-6
  }

  var rank: Int { base.rank }
  var count: Int { base.count }
  var host: String { base.host }

  private func wait() {
    guard delay > 0 else { return }
    // Spins: a sleep of some microseconds takes fifty.
    let end = ContinuousClock.now + .seconds(delay)
    while ContinuousClock.now < end {}
  }

  func maximum(_ values: inout [Int64]) throws {
    try base.maximum(&values)
    wait()
  }

  func sum(_ values: inout [Int64]) throws {
    try base.sum(&values)
    wait()
  }

  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? { try base.gather(bytes) }
  func broadcast(_ bytes: inout [UInt8]) throws { try base.broadcast(&bytes) }
}
