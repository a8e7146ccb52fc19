import Foundation
package import Processes

/// What a program of the system has said, run to its end.
package struct ToolRun: Sendable {
  /// Its exit code; 128 and the signal that ended it.
  package let code: Int32
  /// What it wrote to standard output.
  package let output: [UInt8]
  /// What it wrote to standard error, as text.
  package let errors: String

  /// Standard output as text.
  package var text: String { String(decoding: output, as: UTF8.self) }

  /// Runs a program, looked for in `PATH` unless there is a slash in its name, for at most a minute.
  ///
  /// - Throws: `RunningProgram.NotStarted`.
  package init(
    _ program: String, _ arguments: [String], environment: [String: String]? = nil,
    folder: String? = nil, seconds: Double = 60
  ) throws {
    let files = try TemporaryFolder()
    let streams = ["output", "errors"].map {
      open(files.file($0), O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    }
    defer { for stream in streams { close(stream) } }
    let path =
      program.contains("/") ? program : ChildProcess.find(program, in: Self.path) ?? program
    let running = try RunningProgram(
      path, arguments, environment: environment, folder: folder, output: streams[0],
      errors: streams[1])
    let end = running.wait(atMost: seconds)
    running.killAll()
    code = end?.code ?? 128 + SIGKILL
    output = try contents(files.file("output"))
    errors = String(decoding: try contents(files.file("errors")), as: UTF8.self)
  }

  private static let path =
    ProcessInfo.processInfo.environment[
      "PATH", default: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
}

extension ChildProcess.Outcome.End {
  /// The exit code as a shell tells it.
  package var code: Int32 {
    switch self {
    case .exited(let code): code
    case .signalled(let signal): 128 + signal
    case .timedOut: 128 + SIGKILL
    case .notStarted: 127
    }
  }
}
