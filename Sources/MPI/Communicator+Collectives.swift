import CMPI

/// Collectives that return when this rank's part is done.
///
/// Each is a non-blocking one that is waited for within the communicator's `timeout`.
///
/// Arrays are copied into memory that MPI may keep when the time is up. The variants for unsafe
/// buffers save the copies and work on the caller's memory: after they threw, MPI may still read
/// and write it until the process ends, so it must not be freed or used again.
extension Communicator {
  /// Returns when every rank has called it.
  package func barrier() throws(MPIError) {
    try finish(barrierOperation())
  }

  // MARK: - Broadcast

  /// Copies the root's bytes to all ranks, which pass buffers of the same size.
  ///
  /// The caller's memory is MPI's until this returns, and for ever when it throws.
  package func broadcast(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int
  ) throws(MPIError) {
    // The address alone goes to C, which may look at any memory as bytes.
    try broadcast(bytes.assumingMemoryBound(to: UInt8.self), from: root)
  }

  /// Copies the root's elements to all ranks, which pass buffers of the same count.
  ///
  /// The caller's memory is MPI's until this returns, and for ever when it throws.
  package func broadcast<Element: MPIElement>(
    _ elements: UnsafeMutableBufferPointer<Element>, from root: Int
  ) throws(MPIError) {
    try finish(broadcastOperation(elements, from: root))
  }

  /// Copies the root's elements to all ranks, which pass arrays of the same count.
  package func broadcast<Element: MPIElement>(
    _ elements: inout [Element], from root: Int
  ) throws(MPIError) {
    let buffer = CommunicationBuffer(copying: elements)
    try iBroadcast(buffer, from: root).wait().copy(to: &elements)
  }

  /// The root's element, on every rank.
  package func broadcast<Element: MPIElement>(
    _ element: Element, from root: Int
  ) throws(MPIError) -> Element {
    try iBroadcast(CommunicationBuffer(repeating: element, count: 1), from: root).wait()[0]
  }

  /// The root's array, on every rank; the others need not know how long it is.
  ///
  /// Two broadcasts: the count, then the elements.
  package func broadcast<Element: MPIElement>(
    contentsOf elements: [Element], from root: Int
  ) throws(MPIError) -> [Element] {
    let count = try Int(broadcast(Int64(elements.count), from: root))
    let buffer =
      rank == root
      ? CommunicationBuffer(copying: elements)
      : CommunicationBuffer<Element>(uninitializedCount: count)
    return try iBroadcast(buffer, from: root).wait().array()
  }

  // MARK: - Reductions

  /// Combines the elements of all ranks in place, index by index; every rank gets the result.
  ///
  /// The caller's memory is MPI's until this returns, and for ever when it throws.
  package func allReduce<Element>(
    _ elements: UnsafeMutableBufferPointer<Element>, _ operation: ReduceOperation<Element>
  ) throws(MPIError) {
    try finish(allReduceOperation(elements, operation))
  }

  /// Combines the elements of all ranks in place, index by index; every rank gets the result.
  package func allReduce<Element>(
    _ elements: inout [Element], _ operation: ReduceOperation<Element>
  ) throws(MPIError) {
    let buffer = CommunicationBuffer(copying: elements)
    try iAllReduce(buffer, operation).wait().copy(to: &elements)
  }

  /// One element of each rank, combined.
  package func allReduce<Element>(
    _ element: Element, _ operation: ReduceOperation<Element>
  ) throws(MPIError) -> Element {
    try iAllReduce(CommunicationBuffer(repeating: element, count: 1), operation).wait()[0]
  }

  /// Combines the elements of all ranks at the root; other ranks' arrays stay as they are.
  package func reduce<Element>(
    _ elements: inout [Element], _ operation: ReduceOperation<Element>, to root: Int
  ) throws(MPIError) {
    let buffer = CommunicationBuffer(copying: elements)
    try iReduce(buffer, operation, to: root).wait().copy(to: &elements)
  }

  // MARK: - Waiting

  /// Waits for an operation on the caller's memory.
  func finish(_ operation: Operation) throws(MPIError) {
    try operation.wait(atMost: timeout)
    operation.free()
  }
}
