/// The processes that train together, as the trainer sees them.
///
/// Only operations whose result cannot depend on an order are asked for: sums of integers, maxima,
/// copies. Every process calls them in the same sequence with arrays of equal length.
public protocol ProcessGroup: AnyObject {
  /// This process's number, 0 ..< count.
  var rank: Int { get }
  /// The number of processes.
  var count: Int { get }
  /// The name of this process's machine.
  var host: String { get }
  /// Replaces each element by its maximum over all processes.
  func maximum(_ values: inout [Int64]) throws
  /// Replaces each element by its sum (modulo 2^64) over all processes.
  func sum(_ values: inout [Int64]) throws
  /// The bytes of all processes, in the order of their ranks, on rank 0; nil on the others.
  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]?
  /// Replaces the bytes by those of rank 0.
  func broadcast(_ bytes: inout [UInt8]) throws
}

extension ProcessGroup {
  /// The items of 0 ..< total that this process takes care of: an even share, consecutive.
  public func share(of total: Int) -> Range<Int> {
    let low = total / count
    let more = total % count
    let start = rank * low + min(rank, more)
    return start..<start + low + (rank < more ? 1 : 0)
  }

  /// Fills an array of which every process knows its share.
  ///
  /// - Parameter values: `total` numbers; those outside `share(of: total)` are ignored.
  public func gather(_ values: inout [Double]) throws {
    guard count > 1 else { return }
    let mine = share(of: values.count)
    var bits = values.indices.map {
      mine.contains($0) ? Int64(bitPattern: values[$0].bitPattern) : 0
    }
    try sum(&bits)
    values = bits.map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }
}

/// The group of one process: nothing to exchange, no MPI.
public final class SoleProcess: ProcessGroup {
  /// 0.
  public let rank = 0
  /// 1.
  public let count = 1
  /// Nothing: there is no other machine.
  public let host = ""

  /// The group of this process alone.
  public init() {}

  /// Changes nothing.
  public func maximum(_ values: inout [Int64]) {}
  /// Changes nothing.
  public func sum(_ values: inout [Int64]) {}
  /// These bytes alone.
  public func gather(_ bytes: [UInt8]) -> [[UInt8]]? { [bytes] }
  /// Changes nothing.
  public func broadcast(_ bytes: inout [UInt8]) {}
}
