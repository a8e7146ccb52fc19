import Foundation
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite("LogFile")
struct LogFileTests {
  /// Counts the failures that it is told.
  private final class Failures: Sendable {
    let errors = Mutex<[TelemetryError]>([])
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
    #expect(throws: TelemetryError.cannotWrite(path: path, call: "open", code: EEXIST)) {
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
    let error = TelemetryError.cannotWrite(path: "/dev/full", call: "write", code: ENOSPC)
    #expect(throws: error) { try file.flush() }
    #expect(failures.errors.withLock { $0 } == [error])
  }
}
