import CMPI

/// A message that was received.
package struct Message: Sendable, Hashable {
  /// The content.
  package var bytes: [UInt8]

  /// The rank that sent it.
  package var source: Int

  /// Makes a message.
  package init(bytes: [UInt8], source: Int) {
    (self.bytes, self.source) = (bytes, source)
  }
}

/// Messages of bytes from one rank to another.
///
/// Messages with the same source, destination and tag arrive in the order they were sent. A
/// message longer than an MPI count goes as full pieces and a last one that is not full, possibly
/// empty: messages of usual length need neither a header nor a second piece.
extension Communicator {
  /// Sends bytes; returns when they are received, or earlier when MPI has kept a copy.
  ///
  /// Ranks that send long messages to each other before they receive wait for ever (or until
  /// `timeout`).
  ///
  /// - Parameter tag: 0...32767, which every MPI allows.
  /// - Precondition: The destination is another rank: MPICH keeps no copy of what a rank sends to
  ///   itself, however short.
  package func send(_ bytes: [UInt8], to destination: Int, tag: Int = 0) throws(MPIError) {
    precondition(destination != rank, "rank \(rank) can't send a message to itself")
    let memory = CommunicationBuffer(copying: bytes).release()
    // One element more than there is when the last piece would be full: an empty piece follows.
    let pieces = memory.count / maximumCount + 1
    for piece in 0..<pieces {
      let offset = piece * maximumCount
      let operation = try Operation("MPI_Isend", elements: 0, on: self) { _, _, request in
        CMPI_Isend(
          memory.baseAddress?.advanced(by: offset), Int32(min(maximumCount, memory.count - offset)),
          rank32(destination), Int32(clamping: tag), handle, request)
      }
      try finish(operation)
    }
    memory.deallocate()
  }

  /// Waits for a message and receives it, however long it is.
  ///
  /// - Parameters:
  ///   - source: The rank to receive from; nil for any.
  ///   - tag: The tag that it was sent with.
  package func receive(from source: Int? = nil, tag: Int = 0) throws(MPIError) -> Message {
    var (bytes, sender) = try receivePiece(
      from: source.map(rank32) ?? CMPI_Any_source(), tag: Int32(clamping: tag))
    var last = bytes.count
    while last == maximumCount {
      let piece = try receivePiece(from: sender, tag: Int32(clamping: tag)).bytes
      bytes += piece
      last = piece.count
    }
    return Message(bytes: bytes, source: Int(sender))
  }

  private func receivePiece(
    from source: Int32, tag: Int32
  ) throws(MPIError) -> (bytes: [UInt8], sender: Int32) {
    var (found, sender, count): (Int32, Int32, Int32) = (0, source, 0)
    var message = CMPI_Message()
    let arrived = try polling.wait(atMost: timeout) { () throws(MPIError) in
      let code = CMPI_Improbe(source, tag, handle, &found, &message, &sender, &count)
      try check("MPI_Improbe", code)
      return found != 0
    }
    // Nothing is in flight yet: no memory is lost, and MPI may be finalized.
    guard arrived else { throw MPI.timeout("MPI_Improbe", timeout ?? .zero) }
    let memory = space(UInt8.self, Int(count))
    let operation = try Operation("MPI_Imrecv", elements: 0, on: self) { _, _, request in
      CMPI_Imrecv(memory.baseAddress, count, &message, request)
    }
    try finish(operation)
    return (CommunicationBuffer(adopting: memory).array(), sender)
  }
}
