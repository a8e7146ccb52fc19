import CMPI

/// Collectives that begin and go on while the caller computes.
///
/// All ranks must begin them in the same order. Each consumes its buffer and returns the owner of
/// the memory until completion; see `PendingCollective`.
extension Communicator {
  /// Begins a barrier: complete when every rank has begun it.
  package func iBarrier() throws(MPIError) -> PendingCollective<UInt8> {
    let empty = CommunicationBuffer<UInt8>(copying: []).release()
    return try pending(empty, operation: barrierOperation())
  }

  /// Begins to copy the root's elements to all ranks, which pass buffers of the same count.
  package func iBroadcast<Element>(
    _ buffer: consuming CommunicationBuffer<Element>, from root: Int
  ) throws(MPIError) -> PendingCollective<Element> {
    let memory = buffer.release()
    return try pending(memory, operation: broadcastOperation(memory, from: root))
  }

  /// Begins to combine the elements of all ranks, index by index; every rank gets the result.
  ///
  /// Sends about 2·count elements a rank whatever the number of ranks, in 2·log2(size) rounds for
  /// few elements.
  package func iAllReduce<Element>(
    _ buffer: consuming CommunicationBuffer<Element>, _ operation: ReduceOperation<Element>
  ) throws(MPIError) -> PendingCollective<Element> {
    let memory = buffer.release()
    return try pending(memory, operation: allReduceOperation(memory, operation))
  }

  /// Begins to combine the elements of all ranks at the root; others get their own buffer back.
  package func iReduce<Element>(
    _ buffer: consuming CommunicationBuffer<Element>, _ operation: ReduceOperation<Element>,
    to root: Int
  ) throws(MPIError) -> PendingCollective<Element> {
    let memory = buffer.release()
    return try pending(memory, operation: reduceOperation(memory, operation, to: root))
  }

  /// Begins to bring the elements of all ranks, equally many, to the root, in the order of ranks.
  ///
  /// `wait` gives size·count elements at the root and none elsewhere.
  package func iGather<Element>(
    _ buffer: consuming CommunicationBuffer<Element>, to root: Int
  ) throws(MPIError) -> PendingCollective<Element> {
    let sent = buffer.release()
    let gathered = space(Element.self, rank == root ? size * sent.count : 0)
    let operation = try Operation("MPI_Igather", elements: sent.count, on: self) {
      offset, count, request in
      CMPI_Igather(
        sent.baseAddress?.advanced(by: offset),
        gathered.baseAddress?.advanced(by: rank == root ? offset : 0), count, Int64(sent.count),
        Element.datatype.code, rank32(root), handle, request)
    }
    return pending(gathered, attachments: (sent.raw, nil), operation: operation)
  }

  /// Begins to bring the elements of all ranks, equally many, to every rank, in order of ranks.
  ///
  /// `wait` gives size·count elements.
  package func iAllGather<Element>(
    _ buffer: consuming CommunicationBuffer<Element>
  ) throws(MPIError) -> PendingCollective<Element> {
    let sent = buffer.release()
    let gathered = space(Element.self, size * sent.count)
    let operation = try Operation("MPI_Iallgather", elements: sent.count, on: self) {
      offset, count, request in
      CMPI_Iallgather(
        sent.baseAddress?.advanced(by: offset), gathered.baseAddress?.advanced(by: offset), count,
        Int64(sent.count), Element.datatype.code, handle, request)
    }
    return pending(gathered, attachments: (sent.raw, nil), operation: operation)
  }

  // MARK: - Operations on memory that the caller keeps alive

  func barrierOperation() throws(MPIError) -> Operation {
    try Operation("MPI_Ibarrier", elements: 0, on: self) { _, _, request in
      CMPI_Ibarrier(handle, request)
    }
  }

  func broadcastOperation<Element: MPIElement>(
    _ memory: UnsafeMutableBufferPointer<Element>, from root: Int
  ) throws(MPIError) -> Operation {
    try Operation("MPI_Ibcast", elements: memory.count, on: self) { offset, count, request in
      CMPI_Ibcast(
        memory.baseAddress?.advanced(by: offset), count, Element.datatype.code, rank32(root),
        handle, request)
    }
  }

  func allReduceOperation<Element>(
    _ memory: UnsafeMutableBufferPointer<Element>, _ operation: ReduceOperation<Element>
  ) throws(MPIError) -> Operation {
    try Operation("MPI_Iallreduce", elements: memory.count, on: self) { offset, count, request in
      CMPI_Iallreduce(
        nil, memory.baseAddress?.advanced(by: offset), count, Element.datatype.code,
        operation.code, handle, request)
    }
  }

  func reduceOperation<Element>(
    _ memory: UnsafeMutableBufferPointer<Element>, _ operation: ReduceOperation<Element>,
    to root: Int
  ) throws(MPIError) -> Operation {
    try Operation("MPI_Ireduce", elements: memory.count, on: self) { offset, count, request in
      let address = memory.baseAddress?.advanced(by: offset)
      // Only the root works in place; the others' memory is read.
      return CMPI_Ireduce(
        rank == root ? nil : address, rank == root ? address : nil, count,
        Element.datatype.code, operation.code, rank32(root), handle, request)
    }
  }

  // MARK: - Memory and owners

  /// Memory for a result.
  func space<Element: MPIElement>(
    _ type: Element.Type, _ count: Int
  ) -> UnsafeMutableBufferPointer<Element> {
    let buffer = CommunicationBuffer<Element>(uninitializedCount: count)
    return buffer.release()
  }

  func pending<Element>(
    _ result: UnsafeMutableBufferPointer<Element>,
    attachments: (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) = (nil, nil),
    operation: Operation
  ) -> PendingCollective<Element> {
    PendingCollective(operation, result: result, attachments: attachments, limit: timeout)
  }

  /// A rank as MPI takes it; one that is too great stays wrong, which MPI reports.
  func rank32(_ rank: Int) -> Int32 { Int32(clamping: rank) }
}
