internal import MPI
public import ProcessGroups

/// The ranks of MPI's world as the group that a trainer asks.
///
/// Sums are of 64-bit integers and maxima, so every reduction tree gives the same bits. A collective
/// that a rank does not join within the timeout throws on the others.
public final class MPIProcessGroup: ProcessGroup {
  private let environment: Environment
  private let world: Communicator

  /// Initializes MPI; `Launch.current` says whether there is anything to initialize it for.
  ///
  /// - Parameters:
  ///   - timeout: of every operation, MPI's start and end included.
  ///   - onHang: called by another thread when MPI's start or end takes longer; has to end the
  ///     process without calling MPI.
  /// - Throws: `MPIError`.
  public convenience init(
    timeout: Duration, onHang: (@Sendable (any Error) -> Never)? = nil
  ) throws {
    try self.init(checked: timeout, onHang: onHang)
  }

  init(checked timeout: Duration, onHang: (@Sendable (any Error) -> Never)?) throws(MPIError) {
    var report: (@Sendable (MPIError) -> Never)?
    if let onHang { report = { error in onHang(error) } }
    environment = try Environment.initialize(timeout: timeout, onHang: report)
    world = environment.world
    try environment.nameMissingRanks()
  }

  /// This rank in MPI's world.
  public var rank: Int { world.rank }
  /// The size of MPI's world.
  public var count: Int { world.size }
  /// The machine, as MPI calls it.
  public var host: String { world.host }

  /// How long a collective may take until peers count as hung.
  public var timeout: Duration? {
    get { world.timeout }
    set { world.timeout = newValue }
  }

  /// A warning where ranks outnumber the cores that they may use; nil where all is well.
  public var placementWarning: String? { environment.placement.warning }

  /// MPI_Allreduce with MPI_MAX.
  public func maximum(_ values: inout [Int64]) throws { try world.allReduce(&values, .max) }

  /// MPI_Allreduce with MPI_SUM.
  public func sum(_ values: inout [Int64]) throws { try world.allReduce(&values, .sum) }

  /// MPI_Gatherv to rank 0.
  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? { try world.gather(bytes, to: 0) }

  /// MPI_Bcast from rank 0.
  public func broadcast(_ bytes: inout [UInt8]) throws {
    bytes = try world.broadcast(contentsOf: bytes, from: 0)
  }

  /// Whether MPI runs in this process, so that `abort` ends the other ranks too.
  public static var isRunning: Bool { Environment.isRunning }

  /// Ends all ranks at once, without a chance to save: for errors that the others don't share.
  public static func abort(_ code: Int32) -> Never { Environment.abort(code) }
}
