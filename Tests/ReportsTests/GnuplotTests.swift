import Foundation
import Reports
import Testing

/// Runs gnuplot, again while the fake one is still open for writing in a program that another test was
/// just starting.
private func draw(_ script: String, path: String, timeout: Double = 120) -> Gnuplot.Outcome {
  for _ in 0..<100 {
    let outcome = Gnuplot.run(script, path: path, timeout: timeout)
    guard outcome == .failed("Text file busy") else { return outcome }
    usleep(20_000)
  }
  return .failed("Text file busy")
}

@Suite("gnuplot")
struct GnuplotTests {
  /// A folder with a program called gnuplot, removed at the end.
  private final class Fake {
    let folder: String

    init(_ script: String) throws {
      folder = NSTemporaryDirectory() + "l2l-gnuplot-" + UUID().uuidString
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false)
      let program = "\(folder)/gnuplot"
      try "#!/bin/sh\n\(script)\n".write(toFile: program, atomically: false, encoding: .utf8)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: program)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
  }

  @Test("a gnuplot that is missing, fails, or does its work is told apart")
  func outcomes() throws {
    #expect(draw("figure.gp", path: "/nowhere:/proc") == .missing)
    let working = try Fake("exit 0")
    #expect(draw("figure.gp", path: working.folder) == .drawn)
    let failing = try Fake("echo 'line 3: no' >&2; exit 2")
    #expect(draw("figure.gp", path: failing.folder) == .failed("line 3: no"))
    let silent = try Fake("exit 2")
    #expect(draw("figure.gp", path: silent.folder) == .failed("exit code 2"))
  }

  @Test("the script's name is never an option")
  func names() throws {
    let fake = try Fake("[ \"$1\" = -d ] && [ \"$2\" = ./-e/figure.gp ]")
    #expect(draw("-e/figure.gp", path: fake.folder) == .drawn)
  }

  @Test("a folder called gnuplot, and a file that can't be executed, are no programs")
  func noPrograms() throws {
    let folder = NSTemporaryDirectory() + "l2l-gnuplot-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: "\(folder)/a/gnuplot", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: "\(folder)/b", withIntermediateDirectories: true)
    try "exit 0\n".write(toFile: "\(folder)/b/gnuplot", atomically: false, encoding: .utf8)
    let path = "\(folder)/a:\(folder)/b"
    #expect(draw("figure.gp", path: path) == .missing)
    let working = try Fake("exit 0")
    #expect(draw("figure.gp", path: "\(path):\(working.folder)") == .drawn)
  }

  @Test("a helper that it leaves behind is not waited for")
  func helper() throws {
    let fake = try Fake("sleep 100 & echo $! >\"$0.pid\"; exit 0")
    let start = ContinuousClock.now
    #expect(draw("figure.gp", path: fake.folder) == .drawn)
    #expect(ContinuousClock.now - start < .seconds(60))
    let text = try String(contentsOfFile: "\(fake.folder)/gnuplot.pid", encoding: .utf8)
    let process = try #require(pid_t(text.trimmingCharacters(in: .newlines)))
    #expect(kill(process, SIGKILL) == 0)
  }

  @Test("one that does not end is killed")
  func hanging() throws {
    let hanging = try Fake("exec sleep 60")
    let start = ContinuousClock.now
    #expect(
      draw("figure.gp", path: hanging.folder, timeout: 0.5)
        == .failed("it did not end within 0.5 s"))
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
