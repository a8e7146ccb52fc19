import ArgumentParser
import ProcessGroups

/// The benchmarks.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "l2l-bench", abstract: "Time kernels, epochs, memory, and several ranks.",
    subcommands: [
      Machine.self, Gradients.self, Overhead.self, InPlace.self, InnerSteps.self,
      Estimators.self, Batching.self, Throughput.self, Scaling.self,
    ],
    defaultSubcommand: Machine.self)
}

/// The middle value of several measurements.
func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The seconds that a piece of work takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  let parts = (clock.now - start).components
  return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
}
