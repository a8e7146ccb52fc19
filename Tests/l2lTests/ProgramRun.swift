import Foundation
import Processes
import TestSupport
import Testing

/// One run of the built program, as a user starts it.
final class ProgramRun: Sendable {
  /// How a run ended.
  struct Result: Sendable {
    var output: String
    var errors: String
    /// The exit code; nil when a signal ended the program.
    var code: Int32?
    /// The signal that ended the program.
    var signal: Int32?

    /// The lines of standard output.
    var lines: [String] { output.split(separator: "\n").map(String.init) }
    /// The lines of standard output without those that tell times.
    var untimedLines: [String] {
      lines.filter { !($0.hasPrefix("Mean ") && $0.contains(" time: ")) }
    }
    /// The lines of standard error.
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    /// What stands behind `l2l: error: `, if that is there exactly once and all else are notices.
    var error: String? {
      let prefix = "l2l: error: "
      let found = errorLines.filter { $0.hasPrefix(prefix) }
      guard found.count == 1, errorLines.allSatisfy({ $0.hasPrefix("l2l: ") }) else { return nil }
      return String(found[0].dropFirst(prefix.count))
    }
  }

  /// The program beside the test bundle.
  static let executable: String = {
    let places =
      [CommandLine.arguments[0], Bundle.main.executablePath ?? ""]
      + CommandLine.arguments.filter { $0.contains(".xctest") }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let candidates =
      places.flatMap { place in
        let folder = URL(fileURLWithPath: place).resolvingSymlinksInPath()
          .deletingLastPathComponent()
        // The bundle is a file, or a folder of folders.
        return (0...3).map { up in
          (0..<up).reduce(folder) { url, _ in url.deletingLastPathComponent() }
            .appendingPathComponent("l2l").path
        }
      } + [source.appendingPathComponent(".build/release/l2l").path]
    let found = candidates.first { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && !isFolder.boolValue && FileManager.default.isExecutableFile(atPath: path)
    }
    return found ?? "l2l"
  }()

  private let folder: TemporaryFolder
  private let program: RunningProgram

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - folder: the current folder; an empty one when nil.
  ///   - environment: variables to be set.
  ///   - output: where standard output goes, when not into the result.
  ///   - errors: where standard error goes, when not into the result.
  init(
    _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
    executable: String = ProgramRun.executable, output: String? = nil, errors: String? = nil
  ) throws {
    self.folder = try TemporaryFolder()
    let empty = self.folder.file("folder")
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
    let files = [output ?? self.folder.file("output"), errors ?? self.folder.file("errors")]
    for file in files where !FileManager.default.fileExists(atPath: file) {
      try Data().write(to: URL(fileURLWithPath: file))
    }
    let foreign = ["L2L_", "OMPI_", "PMI_", "PMIX_", "SLURM_"]
    let variables = ProcessInfo.processInfo.environment
      .filter { variable in !foreign.contains { variable.key.hasPrefix($0) } }
      .merging(environment) { $1 }
    let streams = files.map { open($0, O_WRONLY | O_CLOEXEC) }
    defer { for stream in streams { close(stream) } }
    program = try RunningProgram(
      executable, arguments, environment: variables, folder: folder ?? empty, output: streams[0],
      errors: streams[1])
  }

  /// What the program has written to standard error so far.
  var errors: String { text("errors") }

  /// What the program has written to standard output so far.
  var output: String { text("output") }

  private func text(_ name: String) -> String {
    String(decoding: (try? contents(folder.file(name))) ?? [], as: UTF8.self)
  }

  /// Sends a signal, if the program still runs.
  func send(_ signal: Int32) { program.send(signal) }

  /// Waits until a condition holds or the program ends; false when neither came in time.
  func wait(seconds: Double = 30, until condition: () -> Bool) -> Bool {
    let end = Date() + seconds
    while Date() < end {
      if condition() || program.end != nil { return true }
      Thread.sleep(forTimeInterval: 0.005)
    }
    return false
  }

  /// Waits for the end; kills a program that takes too long, which is an issue.
  func result(
    timeout: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
  ) -> Result {
    let end = program.wait(atMost: timeout)
    if end == nil {
      Issue.record("the program takes over \(timeout) s", sourceLocation: sourceLocation)
      program.killAll()
    }
    var result = Result(output: output, errors: errors)
    switch end {
    case .exited(let code): result.code = code
    case .signalled(let signal): result.signal = signal
    default: result.signal = SIGKILL
    }
    return result
  }
}

/// Runs the program to its end.
func run(
  _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> ProgramRun.Result {
  try ProgramRun(arguments, in: folder, environment: environment)
    .result(sourceLocation: sourceLocation)
}

/// Expects a run to fail with the exit code, one error line that has all the words, nothing but
/// notices beside it, and nothing on standard output.
func expectFailure(
  _ arguments: [String], code: Int32, saying words: [String] = [], in folder: String? = nil,
  environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let result = try run(
    arguments, in: folder, environment: environment, sourceLocation: sourceLocation)
  let what = Comment(rawValue: "l2l \(arguments.joined(separator: " ")): \(result.errors)")
  #expect(result.code == code, what, sourceLocation: sourceLocation)
  #expect(result.output == "", what, sourceLocation: sourceLocation)
  let error = result.error
  #expect(error != nil, what, sourceLocation: sourceLocation)
  for word in words where error?.contains(word) != true {
    Issue.record("no '\(word)' in: \(result.errors)", sourceLocation: sourceLocation)
  }
}
