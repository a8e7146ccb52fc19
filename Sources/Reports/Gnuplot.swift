internal import Essentials
internal import Platform
internal import Processes

/// The program that draws the figures, if the machine has it.
package enum Gnuplot {
  /// What became of a script.
  package enum Outcome: Equatable, Sendable {
    /// The figures are drawn.
    case drawn
    /// There is no gnuplot.
    case missing
    /// It failed, and why.
    case failed(String)
  }

  /// Runs a script.
  ///
  /// The user's own settings (`~/.gnuplot`) are left out: they would get into the figures, or stop
  /// them. What gnuplot leaves behind, a viewer's helper, is not waited for.
  ///
  /// - Parameters:
  ///   - script: the path of the script.
  ///   - path: where gnuplot is looked for: folders between colons; `PATH` unless given.
  ///   - timeout: seconds after which gnuplot is killed.
  package static func run(
    _ script: String, path: String? = nil, timeout: Double = 120
  ) -> Outcome {
    let path = path ?? ProcessInfo.processInfo.environment["PATH"] ?? ""
    guard let program = ChildProcess.find("gnuplot", in: path) else { return .missing }
    // A name that starts with a dash is no option.
    let outcome = ChildProcess.run(
      program, ["-d", script.hasPrefix("/") ? script : "./\(script)"], timeout: timeout)
    let first = outcome.errors.split(separator: "\n").first { $0.contains(where: \.isLetter) }
      .map(String.init)
    switch outcome.end {
    case .exited(0): return .drawn
    case .exited(let code): return .failed(first ?? "exit code \(code)")
    case .signalled(let signal): return .failed(first ?? "signal \(signal) ended it")
    case .timedOut: return .failed("it did not end within \(timeout) s")
    case .notStarted(let code): return .failed(String(cString: strerror(code)))
    }
  }
}
