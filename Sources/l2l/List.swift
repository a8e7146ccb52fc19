import ArgumentParser
import DistributedTraining
import Experiments
import LearnedOptimizers
import Problems

/// Lists what can be chosen by name.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List problems, their options and nets, and all optimizers.")

  func run() {
    guard Launch.current.rank == 0 else { return }
    StandardOutput.write("Problems (--problem):")
    for entry in ProblemCatalog.all {
      StandardOutput.write("  \(entry.name): \(entry.summary)")
      for option in entry.options {
        StandardOutput.write("      \(option.name)=\(option.defaultValue)  \(option.summary)")
      }
      for net in ExperimentCatalog.nets(forProblem: entry.name) {
        StandardOutput.write(
          "      net \(net.key): \(net.net) \(JSONValue.object(net.options).text)"
            + " steps \(net.parameters)")
      }
    }
    StandardOutput.write("Nets (--net_option net=NAME):")
    for entry in OptimizerCatalog.all {
      StandardOutput.write(
        "  \(entry.name): \(entry.summary); \(entry.options.joined(separator: ", "))")
    }
    StandardOutput.write(
      "Optimizers (evaluate --optimizer, compare --optimizers): L2L, Adam, SGD, Momentum, NAG, RMSprop"
    )
  }
}
