internal import Platform

/// Lines to a descriptor whose reader may stall, without ever waiting for it.
///
/// A pager, a stopped terminal or a pipe that nobody empties would hold up a training, and hide the
/// signal that asks it to stop. What can't be written now is kept, up to 1 MB, and goes with the next
/// line or in `flush`; beyond that, lines are dropped.
package struct LineWriter: ~Copyable {
  private let descriptor: Int32
  private var pending: [UInt8] = []
  /// The first error of a write, 0 while there is none; EAGAIN tells that lines were dropped.
  package private(set) var failure: Int32 = 0
  private static let most = 1 << 20
  /// So many bytes a pipe that can be written to takes without waiting (POSIX's PIPE_BUF, at least).
  private static let piece = 512

  /// Writes to a descriptor, which stays open.
  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Writes a line, and those that are kept before it.
  package mutating func write(_ line: String) {
    let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
    if pending.count + bytes.count <= Self.most {
      pending += bytes
    } else {
      failure = failure == 0 ? EAGAIN : failure
    }
    writePending(milliseconds: 0)
  }

  /// Waits until all is written, or `isStopping` says so; asks every 50 ms.
  ///
  /// - Returns: whether all is written.
  @discardableResult
  package mutating func flush(unless isStopping: () -> Bool = { false }) -> Bool {
    while !pending.isEmpty, failure == 0 || failure == EAGAIN {
      writePending(milliseconds: 50)
      if !pending.isEmpty, isStopping() { return false }
    }
    return pending.isEmpty
  }

  private mutating func writePending(milliseconds: Int32) {
    var start = 0
    defer { pending.removeFirst(start) }
    while start < pending.count {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let ready = poll(&entry, 1, milliseconds)
      // An error of the descriptor is found by writing.
      guard ready > 0 else { return }
      let end = min(start + Self.piece, pending.count)
      let written = pending[start..<end].withUnsafeBytes {
        writeBytes(descriptor, $0.baseAddress, $0.count)
      }
      if written > 0 {
        start += written
      } else if written == 0 || (errno != EINTR && errno != EAGAIN) {
        failure = written == 0 ? EIO : errno
        start = pending.count
      } else if errno == EAGAIN {
        return
      }
    }
  }
}

/// The system's `write`, under a name that no member hides.
private func writeBytes(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, start, count)
}
