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
    // Before MPI can change the environment.
    _ = Launch.current
    // A reader that goes away (`l2l train | head`) must not kill a training.
    signal(SIGPIPE, SIG_IGN)
    // Else a file of ours could get the number of a closed standard stream, and notices with it.
    while case let descriptor = open("/dev/null", O_RDWR), descriptor >= 0 {
      if descriptor > STDERR_FILENO {
        close(descriptor)
        break
      }
    }
    do {
      var command = try Root.parseAsRoot(normalized(Array(CommandLine.arguments.dropFirst())))
      try command.run()
      try StandardOutput.check()
    } catch let exit as ExitCode {
      Foundation.exit(exit.rawValue)
    } catch let shared as SharedFailure {
      fail(shared.failure)
    } catch let disagreement as Disagreement {
      fail(Failure(describing: disagreement))
    } catch let fault as Launch.Fault where fault.isShared {
      fail(Failure(describing: fault))
    } catch {
      let code = Root.exitCode(for: error)
      if code == .success {
        end(afterPrinting: Root.fullMessage(for: error))
      }
      if isParserError(error) {
        fail(Failure(.usage, parserSentence(Root.message(for: error))))
      }
      failAlone(error)
    }
  }

  /// Long options with `-` for `_`, and flags with a value (`--resume=true`, `--resume true`) as
  /// flags alone: both spellings of the interface as one that the parser knows.
  static func normalized(_ arguments: [String]) throws -> [String] {
    var result: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), argument.count > 2 else {
        result.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0].dropFirst(2).replacing("-", with: "_"))
      var value = parts.count == 2 ? String(parts[1]) : nil
      if flags.contains(name) {
        if value == nil, let next = rest.first, ["true", "false"].contains(next.lowercased()) {
          value = rest.popFirst()
        }
        if try isOn(name, value ?? "true") {
          result.append("--\(name)")
        } else if name == "second_derivatives" {
          result.append("--no_\(name)")
        }
      } else {
        result.append(value.map { "--\(name)=\($0)" } ?? "--\(name)")
      }
    }
    return result
  }

  private static let flags: Set<String> = ["second_derivatives", "resume", "verbose", "tune"]

  private static func isOn(_ flag: String, _ value: String) throws -> Bool {
    switch value.lowercased() {
    case "true", "1", "yes": return true
    case "false", "0", "no": return false
    default: throw Failure(.usage, "--\(flag) takes true or false, not '\(value)'")
    }
  }

  /// Ends after help or a version.
  private static func end(afterPrinting text: String) -> Never {
    if Launch.current.rank == 0 { StandardOutput.write(text) }
    do {
      try StandardOutput.check()
    } catch {
      fail(Failure(describing: error))
    }
    exit(0)
  }

  /// The parser's message in the form of the program's own.
  private static func parserSentence(_ message: String) -> String {
    let text = message.split(separator: "\n").joined(separator: " ")
      .replacing(". Did you mean", with: "; did you mean")
    return text.prefix(1).lowercased() + text.dropFirst() + (text.hasSuffix("?") ? "" : ";")
      + " see `l2l help`"
  }

  private static func isParserError(_ error: any Error) -> Bool {
    // The parser's own errors are not public types; its validation code tells them apart.
    Root.exitCode(for: error) == .validationFailure
  }

  /// Ends every rank after an error that all of them have: rank 0 says it.
  private static func fail(_ failure: Failure) -> Never {
    let launch = Launch.current
    if launch.rank == 0 {
      StandardError.write("l2l: error: \(failure.message)")
    } else if launch.isDistributed, !MPIProcessGroup.isRunning {
      // The launcher ends all when one has ended: rank 0 must have said it by then.
      sleep(1)
    }
    exit(failure.code.rawValue)
  }

  /// Ends after an error that the other ranks may not have: says where, and ends them too.
  ///
  /// Before MPI runs nothing is read but the command line, which is the same everywhere.
  private static func failAlone(_ error: any Error) -> Never {
    let failure = Failure(describing: error)
    let launch = Launch.current
    guard launch.isDistributed, MPIProcessGroup.isRunning else { fail(failure) }
    say(failure, of: error, onRank: launch.rank)
    MPIProcessGroup.abort(failure.code.rawValue)
  }

  /// Ends this process, called by another thread than the one that waits inside MPI: the launcher
  /// ends the others.
  static func failHung(_ error: any Error) -> Never {
    let failure = Failure(describing: error)
    say(failure, of: error, onRank: Launch.current.rank)
    _exit(failure.code.rawValue)
  }

  private static func say(_ failure: Failure, of error: any Error, onRank rank: Int) {
    // Ranks that waited for the same peer give up together. The first of them says it and ends the
    // others, which takes some seconds when a rank does not die of SIGTERM, or for ever when the
    // launcher can't reach a host.
    if let position = Launch.timeoutPosition(error), position > 0 {
      let isFirstKnown = Launch.isFirstKnown(error)
      var left = UInt32(isFirstKnown ? 10 + 2 * min(position, 20) : 4 * min(position, 15))
      while left > 0 { left = sleep(left) }
      if isFirstKnown { return }
    }
    // What MPI says has the place in it.
    let place =
      Launch.sentence(error) == nil ? "rank \(rank) on \(ProcessInfo.processInfo.hostName): " : ""
    StandardError.write("l2l: error: \(place)\(failure.message)")
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
    subcommands: [Train.self, Evaluate.self, Compare.self, UnrollOnce.self, List.self])
}
