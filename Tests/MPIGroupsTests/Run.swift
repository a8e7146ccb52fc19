import Foundation
import Processes
import TestSupport
import Testing

/// A run of the built program, alone or as ranks of mpirun.
///
/// Its processes carry a mark in their environment, by which they are found whoever their parent is;
/// all that are left are killed when the value goes away.
final class Run {
  /// What a run left.
  struct Result {
    let code: Int32
    let output: String
    let errors: String
    let seconds: Double

    /// Standard output without times.
    var lines: [Substring] {
      output.split(separator: "\n").filter {
        !($0.hasPrefix("Mean ") && $0.contains(" time: "))
      }
    }

    /// The program's own error lines.
    var causes: [Substring] {
      errors.split(separator: "\n").filter { $0.contains("l2l: error:") }
    }
  }

  private static let mark = "L2L_TEST_RUN"

  private let folder: TemporaryFolder
  private let program: RunningProgram
  private let line: [String]
  private let identity = UUID().uuidString
  private let start = ContinuousClock.now
  private var ended: Double?

  /// Starts the program; `ranks` nil starts it without mpirun.
  ///
  /// - Parameters:
  ///   - wrapper: a line of shell that sees `$rank` and starts each rank by `exec "$@"`.
  ///   - launcher: mpirun and its arguments, instead of Open MPI's.
  ///   - prefix: a command that starts all this.
  init(
    ranks: Int?, _ arguments: [String], environment: [String: String] = [:],
    wrapper: String? = nil, launcher: [String]? = nil, prefix: [String] = []
  ) throws {
    folder = try TemporaryFolder()
    var line = [try #require(Tools.program)] + arguments
    if let wrapper {
      let rank = "rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}"
      line = ["/bin/sh", "-c", "\(rank); \(wrapper)", "sh"] + line
    }
    if let ranks {
      let mpirun = try launcher ?? [#require(Tools.mpirun), "--oversubscribe"]
      line = mpirun + ["-np", "\(ranks)"] + line
    }
    line = prefix + line
    var variables = Tools.environment
    variables[Self.mark] = identity
    if getuid() == 0 {
      variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    self.line = line
    let flags = O_CREAT | O_WRONLY | O_CLOEXEC
    let streams = [
      open(folder.file("out"), flags, 0o600), open(folder.file("err"), flags, 0o600),
    ]
    defer { for stream in streams { close(stream) } }
    program = try RunningProgram(
      line[0], Array(line.dropFirst()), environment: variables.merging(environment) { $1 },
      output: streams[0], errors: streams[1])
  }

  deinit {
    for process in processes { kill(process, SIGKILL) }
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOfFile: folder.file(name), encoding: .utf8)) ?? ""
  }

  // MARK: - Waiting

  /// Waits for the end; what takes longer is killed and an issue.
  func result(
    atMost limit: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
  ) -> Result {
    let isOver = wait(atMost: limit) { program.end != nil }
    if !isOver {
      Issue.record(
        "not over after \(limit) s: \(line)\n\(text("err"))",
        sourceLocation: sourceLocation)
      for process in processes { kill(process, SIGKILL) }
      program.killAll()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return Result(
      code: program.end?.code ?? 128 + SIGKILL, output: text("out"), errors: text("err"),
      seconds: seconds)
  }

  /// Waits until standard output has a text, and for `delay` seconds more.
  func waitForOutput(
    _ text: String, then delay: Double = 0, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let isThere = wait(atMost: 60) { self.text("out").contains(text) || program.end != nil }
    try #require(
      isThere && program.end == nil, "\(self.text("out"))\n\(self.text("err"))",
      sourceLocation: sourceLocation)
    usleep(UInt32(delay * 1e6))
  }

  /// Expects that no process of the run is left after five seconds.
  func expectNoProcesses(sourceLocation: SourceLocation = #_sourceLocation) {
    let none = wait(atMost: 5) { processes.isEmpty }
    #expect(none, "processes are left: \(processes)", sourceLocation: sourceLocation)
  }

  private func wait(atMost limit: Double, until isDone: () -> Bool) -> Bool {
    let end = ContinuousClock.now + .seconds(limit)
    while !isDone() {
      if ContinuousClock.now > end { return false }
      usleep(20_000)
    }
    return true
  }

  // MARK: - Signals

  /// Sends a signal to mpirun, or to the process without one.
  func signal(_ number: Int32) { program.send(number) }

  /// Sends a signal to a rank.
  func signal(_ number: Int32, rank: Int) throws {
    let found = processes.first { process in
      variables(of: process).contains("OMPI_COMM_WORLD_RANK=\(rank)")
        && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe"))
          == Tools.program
    }
    kill(try #require(found, "there is no rank \(rank)"), number)
  }

  /// The run's processes that have not ended.
  private var processes: [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { process in
      guard variables(of: process).contains("\(Self.mark)=\(identity)") else { return false }
      let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
      // "pid (name) state ...": one that has ended stays until its parent asks.
      let state = stat.split(separator: ")").last?.dropFirst().first
      return state != "Z" && state != "X" && state != nil
    }
  }

  private func variables(of process: pid_t) -> [String] {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/environ") else {
      return []
    }
    return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// Runs the program to its end.
func run(
  ranks: Int?, _ arguments: [String], environment: [String: String] = [:],
  wrapper: String? = nil, launcher: [String]? = nil, prefix: [String] = [],
  atMost limit: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Run.Result {
  try Run(
    ranks: ranks, arguments, environment: environment, wrapper: wrapper, launcher: launcher,
    prefix: prefix
  ).result(atMost: limit, sourceLocation: sourceLocation)
}
