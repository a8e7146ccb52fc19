public import Foundation

/// The program that draws the figures, if the machine has it.
public enum Gnuplot {
  /// What became of a script.
  public enum Outcome: Equatable, Sendable {
    /// The figures are drawn.
    case drawn
    /// There is no gnuplot.
    case missing
    /// It failed, and why.
    case failed(String)
  }

  /// Runs a script.
  ///
  /// - Parameters:
  ///   - script: the path of the script.
  ///   - path: where gnuplot is looked for: folders between colons.
  ///   - timeout: seconds after which gnuplot is killed.
  public static func run(
    _ script: String, path: String = ProcessInfo.processInfo.environment["PATH"] ?? "",
    timeout: Double = 120
  ) -> Outcome {
    let folders = path.split(separator: ":")
    guard
      let program = folders.map({ "\($0)/gnuplot" })
        .first(where: FileManager.default.isExecutableFile(atPath:))
    else { return .missing }

    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    // A name that starts with a dash is no option.
    process.arguments = [script.hasPrefix("/") ? script : "./\(script)"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do {
      try process.run()
    } catch {
      return .failed("\(error)")
    }
    guard ended.wait(timeout: .now() + timeout) == .success else {
      kill(process.processIdentifier, SIGKILL)
      return .failed("it did not end within \(timeout) s")
    }
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      let text = String(decoding: available(errors.fileHandleForReading), as: UTF8.self)
      let first = text.split(separator: "\n").first { $0.contains(where: \.isLetter) }
      return .failed(first.map(String.init) ?? "exit code \(process.terminationStatus)")
    }
    return .drawn
  }

  /// What is in a pipe now: its end may never come, as a child of gnuplot's may hold it open.
  private static func available(_ pipe: FileHandle) -> [UInt8] {
    let descriptor = pipe.fileDescriptor
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    return Array(bytes.prefix(max(count, 0)))
  }
}
