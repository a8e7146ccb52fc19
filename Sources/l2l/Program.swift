import ArgumentParser
import DistributedTraining
import Foundation
import MetaTraining

/// The program: parses arguments, runs a command, turns every error into one line and an exit code.
@main
enum Program {
  /// Written into saved files.
  static let version = "0.1.0"

  static func main() {
    // A reader that goes away (`l2l train | head`) must not kill a training.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Root.parseAsRoot(normalized(Array(CommandLine.arguments.dropFirst())))
      try command.run()
    } catch let exit as ExitCode {
      Foundation.exit(exit.rawValue)
    } catch let shared as SharedFailure {
      fail(shared.failure)
    } catch {
      let code = Root.exitCode(for: error)
      if code == .success {
        print(Root.fullMessage(for: error))
        Foundation.exit(0)
      }
      if isParserError(error) {
        let text = Root.message(for: error).split(separator: "\n").joined(separator: " ")
        fail(Failure(.usage, "\(text); see `l2l help`"))
      }
      failAlone(Failure(describing: error))
    }
  }

  /// Long options with `-` for `_`, and `--second_derivatives=true` as a flag: both spellings of the
  /// interface as one that the parser knows.
  static func normalized(_ arguments: [String]) throws -> [String] {
    try arguments.compactMap { argument in
      guard argument.hasPrefix("--"), argument.count > 2 else { return argument }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts[0].dropFirst(2).replacing("-", with: "_")
      guard parts.count == 2 else { return "--\(name)" }
      if flags.contains(String(name)) {
        switch parts[1].lowercased() {
        case "true", "1", "yes": return "--\(name)"
        case "false", "0", "no": return nil
        default: throw Failure(.usage, "--\(name) takes true or false, not '\(parts[1])'")
        }
      }
      return "--\(name)=\(parts[1])"
    }
  }

  private static let flags: Set<String> = ["second_derivatives", "resume", "verbose"]

  private static func isParserError(_ error: any Error) -> Bool {
    // The parser's own errors are not public types; its validation code tells them apart.
    Root.exitCode(for: error) == .validationFailure
  }

  /// Ends every rank after an error that all of them have: rank 0 says it.
  private static func fail(_ failure: Failure) -> Never {
    if Launch.current.rank == 0 { StandardError.write("l2l: error: \(failure.message)") }
    exit(failure.code.rawValue)
  }

  /// Ends after an error that the other ranks may not have: says where, and ends them too.
  private static func failAlone(_ failure: Failure) -> Never {
    let launch = Launch.current
    guard launch.isDistributed else { fail(failure) }
    // Ranks that waited for the same dead peer give up together; the first one ends the others.
    if failure.code == .stopped { sleep(UInt32(min(launch.rank, 30))) }
    StandardError.write(
      "l2l: error: rank \(launch.rank) on \(ProcessInfo.processInfo.hostName): \(failure.message)")
    MPIProcessGroup.abort(failure.code.rawValue)
  }
}

/// An error that every rank throws at the same place: it is said once, and no rank is left waiting.
struct SharedFailure: Error {
  let failure: Failure

  init(_ failure: Failure) { self.failure = failure }
}

extension ProcessGroup {
  /// Lets rank 0 decide and tells all ranks what it decided.
  ///
  /// - Throws: `SharedFailure` on all ranks when `body` throws on rank 0.
  func decideOnRankZero(_ body: () throws -> [UInt8]) throws -> [UInt8] {
    var message: [UInt8] = []
    var failure: Failure?
    if rank == 0 {
      do {
        message = try [0] + body()
      } catch {
        let described = Failure(describing: error)
        failure = described
        message = [UInt8(described.code.rawValue)]
      }
    }
    try broadcast(&message)
    guard message.first == 0 else {
      let code = Failure.Code(rawValue: Int32(message.first ?? 0)) ?? .software
      throw SharedFailure(failure ?? Failure(code, "rank 0 failed"))
    }
    return Array(message.dropFirst())
  }
}

/// The command that has all others.
struct Root: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "l2l",
    abstract: "Learned optimizers: LSTMs that are trained to train other models.",
    discussion: """
      Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016.
      Options may be spelled with _ or -, and take their value after = or a space.
      """,
    version: Program.version,
    subcommands: [Train.self, Evaluate.self, UnrollOnce.self, List.self])
}

/// Standard error, a line at a time.
enum StandardError {
  static let isTerminal = isatty(STDERR_FILENO) != 0

  static func write(_ line: String) { put(line + "\n") }

  static func put(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// Tells the user something, once: ranks other than 0 are silent.
  static func notice(_ text: String) {
    if Launch.current.rank == 0 { write("l2l: \(text)") }
  }
}

/// Standard output, flushed line by line so that logs can be followed.
enum StandardOutput {
  static func write(_ line: String) {
    print(line)
    fflush(nil)
  }
}
