import Foundation
import Processes
import TestSupport
import Testing

@Suite("LineWriter and MemoryLimit", .timeLimit(.minutes(2)))
struct LineWriterTests {
  private func makePipe() -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  private func drain(_ descriptor: Int32) -> [UInt8] {
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
      bytes += buffer.prefix(count)
    }
    return bytes
  }

  @Test("lines are written at once while there is room")
  func lines() {
    let ends = makePipe()
    var writer = LineWriter(ends.write)
    writer.write("one")
    #expect(drain(ends.read) == Array("one\n".utf8))
    writer.write("")
    let isWritten = writer.flush()
    let failure = writer.failure
    #expect(isWritten && failure == 0)
    #expect(drain(ends.read) == Array("\n".utf8))
  }

  @Test("a reader that stalls stops nobody, and gets all lines in order once it reads")
  func stalled() {
    let ends = makePipe()
    var writer = LineWriter(ends.write)
    let lines = (0..<20_000).map { "line \($0)" }
    for line in lines { writer.write(line) }
    // Nobody reads; a stop ends the wait.
    let isWritten = writer.flush { true }
    #expect(!isWritten)
    var bytes: [UInt8] = []
    while !writer.flush(unless: { true }) { bytes += drain(ends.read) }
    bytes += drain(ends.read)
    let failure = writer.failure
    #expect(failure == 0)
    #expect(bytes == lines.flatMap { Array(($0 + "\n").utf8) })
  }

  @Test("what is too much to keep is dropped whole, and told")
  func tooMuch() {
    let ends = makePipe()
    var writer = LineWriter(ends.write)
    let line = String(repeating: "x", count: 99_999)
    for _ in 0..<20 { writer.write(line) }
    let failure = writer.failure
    #expect(failure == EAGAIN)
    var bytes: [UInt8] = []
    while !writer.flush(unless: { true }) { bytes += drain(ends.read) }
    bytes += drain(ends.read)
    #expect(bytes.count % 100_000 == 0 && bytes.count >= 1_000_000)
  }

  @Test("a reader that has gone away is an error, not the end of the program")
  func brokenPipe() {
    signal(SIGPIPE, SIG_IGN)
    let ends = makePipe()
    close(ends.read)
    var writer = LineWriter(ends.write)
    writer.write("lost")
    let failure = writer.failure
    let isWritten = writer.flush()
    #expect(failure == EPIPE && isWritten)
  }

  #if compiler(>=6.3)
    @Test("the limit of address space is told, and what fits below it")
    func memory() async {
      await #expect(processExitsWith: .success) {
        #expect(MemoryLimit.addressSpace == nil)
        #expect(MemoryLimit.canMap(1 << 30) && MemoryLimit.canMap(0))
        try Limit.addressSpace.set(to: 1 << 20)
        #expect(MemoryLimit.addressSpace == 1 << 20)
        #expect(!MemoryLimit.canMap(1 << 20))
        let error = OutOfMemory(bytes: 134_217_729, purpose: "OpenBLAS's work space")
        #expect(
          error.description == "there is no memory for OpenBLAS's work space, 129 MB;"
            + " raise the limit of 1 MB (ulimit -v)")
      }
    }
  #endif
}
