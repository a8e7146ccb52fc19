import ArgumentParser
import Foundation

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
    } catch let failure as Failure {
      fail(failure)
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
      fail(Failure(describing: error))
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

  private static func fail(_ failure: Failure) -> Never {
    StandardError.write("l2l: error: \(failure.message)")
    exit(failure.code.rawValue)
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

  static func notice(_ text: String) { write("l2l: \(text)") }
}

/// Standard output, flushed line by line so that logs can be followed.
enum StandardOutput {
  static func write(_ line: String) {
    print(line)
    fflush(nil)
  }
}
