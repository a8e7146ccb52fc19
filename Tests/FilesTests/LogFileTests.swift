import Files
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("LogFile")
struct LogFileTests {
  /// Counts the failures that it is told.
  private final class Failures: Sendable {
    let errors = Mutex<[FileError]>([])
  }

  @Test("records are appended whole and in order, after what was there")
  func appending() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("log")
    for (part, isNew) in [("a", true), ("b", false)] {
      let file = try LogFile(path, isNew: isNew) { Issue.record("\($0)") }
      for index in 0..<100 { file.append(Array("\(part)\(index)\n".utf8)) }
      try file.flush()
    }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(
      lines.map(String.init) == ["a", "b"].flatMap { part in (0..<100).map { "\(part)\($0)" } })
    #expect(throws: FileError.cannotWrite(path: path, call: "open", code: EEXIST)) {
      _ = try LogFile(path, isNew: true) { _ in }
    }
  }

  @Test(
    "a full device is told once, and thrown by flush",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func full() throws {
    let failures = Failures()
    let file = try LogFile("/dev/full", isNew: false) { error in
      failures.errors.withLock { $0.append(error) }
    }
    for _ in 0..<5 { file.append([1]) }
    let error = FileError.cannotWrite(path: "/dev/full", call: "write", code: ENOSPC)
    #expect(throws: error) { try file.flush() }
    #expect(failures.errors.withLock { $0 } == [error])
  }

  @Test("short and interrupted writes go on, and a record that fails half way is taken back")
  func shortWrites() throws {
    let folder = try TemporaryFolder()
    let calls = Mutex(0)
    let isFull = Mutex(false)
    let file = try LogFile(
      folder.file("log"), isNew: true,
      write: { descriptor, start, count in
        let call = calls.withLock { calls in
          calls += 1
          return calls
        }
        if call % 3 == 0 {
          errno = EINTR
          return -1
        }
        if isFull.withLock({ $0 }), call % 3 == 2 {
          errno = ENOSPC
          return -1
        }
        return write(descriptor, start, min(count, 3))
      }, onFailure: { _ in })
    file.append(Array("first record\n".utf8))
    try file.flush()
    #expect(try contents(folder.file("log")) == Array("first record\n".utf8))
    isFull.withLock { $0 = true }
    file.append(Array("second record\n".utf8))
    #expect(throws: FileError.self) { try file.flush() }
    #expect(try contents(folder.file("log")) == Array("first record\n".utf8))
    isFull.withLock { $0 = false }
    try file.flush()
    #expect(try contents(folder.file("log")) == Array("first record\nsecond record\n".utf8))
  }

  @Test("a pipe without a reader is an error, not a wait")
  func pipe() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    #expect(throws: FileError.cannotWrite(path: folder.file("pipe"), call: "open", code: ENXIO)) {
      _ = try LogFile(folder.file("pipe"), isNew: false) { _ in }
    }
  }
}
