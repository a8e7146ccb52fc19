import CMPI

/// The MPI requests of one operation that has begun.
///
/// Several, when it has more elements than an MPI count can say. Owns the requests' memory by
/// convention, not by type: `PendingCollective` needs trivial members, so that it can leak them.
package struct Operation {
  private let function: StaticString
  private let requests: UnsafeMutableBufferPointer<CMPI_Request>
  private let polling: Polling

  /// Begins an operation in pieces of at most `limit` elements.
  ///
  /// - Parameter start: Begins one piece: offset and number of elements, where the request goes.
  /// - Throws: `MPIError.call`; earlier pieces are abandoned then.
  init(
    _ function: StaticString, elements: Int, on communicator: borrowing Communicator,
    start: (_ offset: Int, _ count: Int32, _ request: UnsafeMutablePointer<CMPI_Request>) -> Int32
  ) throws(MPIError) {
    let limit = communicator.maximumCount
    let pieces = max(1, (elements + limit - 1) / limit)
    self.function = function
    self.polling = communicator.polling
    requests = .allocate(capacity: pieces)
    requests.initialize(repeating: CMPI_Request_null())
    for piece in 0..<pieces {
      let offset = piece * limit
      let count = Int32(min(limit, elements - offset))
      guard let address = requests.baseAddress?.advanced(by: piece) else { continue }
      do throws(MPIError) {
        try check(function, start(offset, count, address))
      } catch {
        Self.noteAbandoned(unlessFirst: piece)
        throw error
      }
    }
  }

  /// Lets MPI make progress; true when all pieces are complete.
  func test() throws(MPIError) -> Bool {
    guard let start = requests.baseAddress else { return true }
    var done: Int32 = 0
    try check(function, CMPI_Testall(Int32(requests.count), start, &done))
    return done != 0
  }

  /// Waits until all pieces are complete.
  ///
  /// - Throws: `MPIError`; the requests and all memory they refer to must be left alone then.
  func wait(atMost limit: Duration?) throws(MPIError) {
    do throws(MPIError) {
      guard try polling.wait(atMost: limit, until: test) else {
        throw timeout(function, limit ?? .zero)
      }
    } catch {
      Self.noteAbandoned()
      throw error
    }
  }

  /// Frees the requests' memory after a `wait` that returned.
  func free() { requests.deallocate() }

  // MARK: - Operations that were given up

  // MPI_Finalize would wait for operations that were given up: at exit the job is aborted
  // instead. Written only by the thread that may call MPI, which is one at a time.
  private nonisolated(unsafe) static var abandoned = false

  /// Whether any operation of this process was given up.
  static var anyWasAbandoned: Bool { abandoned }

  /// For tests that give up an operation which completes later nevertheless.
  package static func forgetAbandoned() { abandoned = false }

  /// Remembers that an operation was given up.
  static func noteAbandoned(unlessFirst piece: Int = 1) {
    if piece > 0 { abandoned = true }
  }
}
