import Foundation
import Processes
import TestSupport
import Testing

@Suite("ChildProcess", .timeLimit(.minutes(2)))
struct ChildProcessTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs lines of a shell, which find their own path in $0.
  ///
  /// The shell reads the file: one that was just written can't always be executed, while another test
  /// is starting a process that has it open for a moment.
  private func run(
    _ lines: String, _ arguments: [String] = [], timeout: Double = 60
  ) throws -> ChildProcess.Outcome {
    let path = try folder.write(Array("\(lines)\n".utf8), named: "script")
    return ChildProcess.run("/bin/sh", [path] + arguments, timeout: timeout)
  }

  @Test("the way of its end and its errors are told")
  func ends() throws {
    for code: Int32 in [0, 3, 255] {
      let outcome = try run("echo out; echo \"$1\" >&2; exit \"$2\"", ["a b", "\(code)"])
      #expect(outcome.end == .exited(code) && outcome.errors == "a b\n")
    }
    #expect(try run("kill -9 $$").end == .signalled(SIGKILL))
    #expect(ChildProcess.run("/nonexistent", [], timeout: 30).end == .notStarted(ENOENT))
    #expect(ChildProcess.run("/", [], timeout: 30).end == .notStarted(EACCES))
  }

  @Test("a helper that outlives it and holds its pipes open is not waited for")
  func helpers() throws {
    let outcome = try run("sleep 300 & echo $! >\"$0.pid\"; echo done >&2")
    #expect(outcome.end == .exited(0) && outcome.errors == "done\n")
    let text = String(decoding: try contents(folder.file("script.pid")), as: UTF8.self)
    let helper = try #require(pid_t(text.trimmingCharacters(in: .newlines)))
    #expect(kill(helper, SIGKILL) == 0, "the helper was killed")
  }

  @Test("one that takes too long is killed with its helpers")
  func timeout() throws {
    let outcome = try run("sleep 300 & echo $! >\"$0.pid\"; wait", timeout: 2)
    #expect(outcome.end == .timedOut)
    let text = String(decoding: try contents(folder.file("script.pid")), as: UTF8.self)
    let helper = try #require(pid_t(text.trimmingCharacters(in: .newlines)))
    // Gone, or still to be collected by its new parent; a signal takes a moment.
    func isAlive() -> Bool {
      let state = try? String(contentsOfFile: "/proc/\(helper)/stat", encoding: .utf8)
      return kill(helper, 0) == 0 && !(state ?? ") Z").contains(") Z")
    }
    for _ in 0..<1000 where isAlive() { usleep(10_000) }
    #expect(!isAlive())
  }

  @Test("more errors than a pipe holds neither stop it nor are all kept")
  func manyErrors() throws {
    let outcome = try run("head -c 1000000 /dev/zero | tr '\\0' x >&2")
    #expect(outcome.end == .exited(0) && outcome.errors.utf8.count == 65_536)
  }

  @Test("only a regular file that may be executed is a program")
  func finding() throws {
    let script = try folder.write([], named: "script")
    #expect(chmod(script, 0o755) == 0)
    for name in ["a", "b", "c"] { #expect(mkdir(folder.file(name), 0o755) == 0) }
    #expect(mkdir(folder.file("a/tool"), 0o755) == 0)
    _ = try folder.write([1], named: "b/tool")
    #expect(symlink("../script", folder.file("c/tool")) == 0)
    let path = [":", "missing", folder.file("a"), folder.file("b"), folder.file("c")]
      .joined(separator: ":")
    #expect(ChildProcess.find("tool", in: path) == folder.file("c/tool"))
    #expect(ChildProcess.find("tool", in: folder.file("a")) == nil)
    #expect(ChildProcess.find("tool", in: "") == nil)
  }
}
