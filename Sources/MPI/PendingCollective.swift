import CMPI

/// A collective that has begun, owner of the memory it works on.
///
/// MPI may touch the memory at any time until the operation is complete, so it belongs to this
/// value and only `wait` gives it back. Where completion can't be known, the memory is leaked
/// rather than freed under MPI's hands:
/// - `wait` ran into its limit or an MPI error: the ranks are out of step anyhow and the program
///   is about to end;
/// - the value was dropped without `wait` before the operation was complete, which is a mistake in
///   the program: another rank's result may depend on it.
///
/// MPI makes progress only inside its calls: to overlap a collective with long computation, call
/// `test()` now and then in between.
package struct PendingCollective<Element: MPIElement>: ~Copyable {
  private var operation: Operation
  private let result: UnsafeMutableBufferPointer<Element>
  /// What else MPI reads while the operation runs: the send buffer, counts and offsets.
  private let attachments: (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
  private let limit: Duration?

  /// Takes the memory over from here on, in success and in failure.
  init(
    _ operation: Operation, result: UnsafeMutableBufferPointer<Element>,
    attachments: (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) = (nil, nil),
    limit: Duration?
  ) {
    self.operation = operation
    self.result = result
    self.attachments = attachments
    self.limit = limit
  }

  deinit {
    if (try? operation.test()) == true {
      operation.free()
      Self.free(attachments)
      result.baseAddress?.deallocate()
    } else {
      Operation.noteAbandoned()
    }
  }

  /// Lets MPI make progress; true when the operation is complete and `wait` will not block.
  ///
  /// - Throws: `MPIError.call` when the operation failed.
  package mutating func test() throws(MPIError) -> Bool {
    try operation.test()
  }

  /// Waits for completion and gives the memory back, with the result in it.
  ///
  /// - Throws: `MPIError.timeout` when the communicator's `timeout` is up, `MPIError.call` when
  ///   the operation failed. The memory is leaked then.
  package consuming func wait() throws(MPIError) -> CommunicationBuffer<Element> {
    let limit = limit
    return try wait(timeout: limit)
  }

  /// Waits for completion, at most for a time of its own; nil waits for ever.
  ///
  /// - Throws: As `wait()`.
  package consuming func wait(
    timeout limit: Duration?
  ) throws(MPIError) -> CommunicationBuffer<Element> {
    let (operation, result, attachments) = (operation, result, attachments)
    discard self
    try operation.wait(atMost: limit)
    operation.free()
    Self.free(attachments)
    return CommunicationBuffer(adopting: result)
  }

  private static func free(
    _ attachments: (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
  ) {
    attachments.0?.deallocate()
    attachments.1?.deallocate()
  }
}
