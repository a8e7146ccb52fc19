import ArgumentParser
package import Catalogs
internal import Essentials
import Files
import MPIGroups
import MetaTraining
internal import Platform
import ProcessGroups
import Processes
import Settings

/// The program: parses arguments, runs a command, turns every error into one line and an exit code.
package enum Program {
  /// The commands.
  static let commands: [any SettingsCommand.Type] = [
    Train.self, Evaluate.self, Compare.self, Envelope.self, Report.self, UnrollOnce.self,
    Convert.self, List.self,
  ]

  /// Runs the command that the process's arguments name and ends the process.
  package static func run(_ catalog: Catalog) -> Never {
    // Before MPI can change the environment.
    _ = Launch.current
    restartWithOneThread()
    // A reader that goes away (`l2l train | head`) must not kill a training, nor a limit of file sizes.
    SignalWatch.ignoreWriteSignals()
    // Else a file of ours could get the number of a closed standard stream, and notices with it.
    while case let descriptor = open("/dev/null", O_RDWR), descriptor >= 0 {
      if descriptor > STDERR_FILENO {
        close(descriptor)
        break
      }
    }
    do {
      try requireUniqueNames(catalog)
      var command = try parsed(try ProgramArguments.strings())
      if let command = command as? any SettingsCommand {
        try command.run(on: catalog)
      } else {
        try command.run()
      }
      try StandardOutput.check()
    } catch let exit as ExitCode {
      end(with: exit.rawValue)
    } catch let shared as SharedFailure {
      fail(shared.failure, isShared: true)
    } catch let disagreement as Disagreement {
      fail(Failure(describing: disagreement), isShared: true)
    } catch let fault as Launch.Fault where fault.isShared {
      fail(Failure(describing: fault), isShared: true)
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
    end(with: 0)
  }

  private static func parsed(_ words: [String]) throws -> any ParsableCommand {
    try Root.parseAsRoot(
      try Words.normalized(
        words,
        commands: commands.map {
          ($0.configuration.commandName ?? "", $0.words, $0.operands)
        }))
  }

  /// Reads a command line as `run` does, and does nothing.
  ///
  /// - Throws: whatever is wrong with it, help and version included.
  package static func read(_ words: [String]) throws {
    try (try parsed(words) as? any SettingsCommand)?.check()
  }

  /// Starts the program anew when its address space is limited and OpenBLAS was not told how many
  /// threads to use.
  ///
  /// OpenBLAS starts a thread for each core when it is loaded, before anybody can tell it not to, and
  /// each wants a work space of its own: where there is no room for that, it spins for ever, and waits
  /// for itself at the program's end.
  private static func restartWithOneThread() {
    let name = "OPENBLAS_NUM_THREADS"
    guard MemoryLimit.addressSpace != nil, getenv(name) == nil else { return }
    setenv(name, "1", 1)
    // Returns only when it fails, and then all goes on as well as it can.
    execv("/proc/self/exe", Swift.CommandLine.unsafeArgv)
  }

  /// Ends the process without waiting for libraries' threads, unless MPI has to be finalized.
  private static func end(with code: Int32) -> Never {
    if MPIProcessGroup.isRunning { exit(code) }
    fflush(nil)
    _exit(code)
  }

  /// The options of a command as a table in Markdown.
  static func table(ofCommand name: String) throws -> [String] { try command(named: name).table }

  /// The command of a name.
  static func command(named name: String) throws -> any SettingsCommand.Type {
    guard let command = commands.first(where: { $0.configuration.commandName == name }) else {
      let names = commands.compactMap { $0.configuration.commandName }
      throw Failure(.usage, "there is no command '\(name)'\(suggestion(name, names))")
    }
    return command
  }

  private static func requireUniqueNames(_ catalog: Catalog) throws {
    guard let name = catalog.firstRepeatedName else { return }
    throw Failure(
      .software, "the program's catalog has two entries '\(name)'; give one of them another name")
  }

  /// Ends after help or a version.
  private static func end(afterPrinting text: String) -> Never {
    if Launch.current.rank == 0 { StandardOutput.write(text) }
    do {
      try StandardOutput.check()
    } catch {
      fail(Failure(describing: error))
    }
    end(with: 0)
  }

  /// The parser's message in the form of the program's own.
  private static func parserSentence(_ message: String) -> String {
    let text = message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      .replacing(". Did you mean", with: "; did you mean")
    let isSentence = text.hasSuffix("?") || text.hasSuffix(".")
    return text.prefix(1).lowercased() + (isSentence ? text.dropFirst() : text.dropFirst() + ";")
      + " see `l2l help`"
  }

  private static func isParserError(_ error: any Error) -> Bool {
    // The parser's own errors are not public types; its validation code tells them apart.
    Root.exitCode(for: error) == .validationFailure
  }

  /// Ends every rank after an error that all of them have: rank 0 says it.
  private static func fail(_ failure: Failure, isShared: Bool = false) -> Never {
    let launch = Launch.current
    if launch.rank == 0 {
      StandardError.write("l2l: error: \(failure.message)")
    } else if isShared, launch.isDistributed, !MPIProcessGroup.isRunning {
      // The launcher ends all when one has ended: rank 0 must have said it by then.
      sleep(1)
    } else if launch.isDistributed, !MPIProcessGroup.isRunning {
      // The launcher ends all when one has ended. Who still lives some seconds later is not one of
      // many with the same error, and nobody else has said it.
      signal(SIGTERM, SIG_DFL)
      var left: UInt32 = 4
      while left > 0 { left = sleep(left) }
      StandardError.write("l2l: error: rank \(launch.rank): \(failure.message)")
    }
    end(with: failure.code.rawValue)
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
    abstract: "Learned optimizers: small nets that are trained to train other models.",
    discussion: """
      Andrychowicz et al., "Learning to learn by gradient descent by gradient descent", 2016.
      Options may be spelled with _ or -, and take their value after = or a space.
      """,
    version: programVersion,
    subcommands: Program.commands)
}
