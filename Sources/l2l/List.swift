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
    print("Problems (--problem):")
    for entry in ProblemCatalog.all {
      print("  \(entry.name): \(entry.summary)")
      for option in entry.options {
        print("      \(option.name)=\(option.defaultValue)  \(option.summary)")
      }
      for net in ExperimentCatalog.nets(forProblem: entry.name) {
        let parameters = net.parameters?.joined(separator: ", ") ?? "every parameter"
        print(
          "      net \(net.key): \(net.net) \(JSONValue.object(net.options).text)"
            + " steps \(parameters)")
      }
    }
    print("Nets (--net_option net=NAME):")
    for entry in OptimizerCatalog.all {
      print("  \(entry.name): \(entry.summary); \(entry.options.joined(separator: ", "))")
    }
    print("Optimizers (evaluate --optimizer): L2L, Adam, SGD, Momentum, NAG, RMSprop")
  }
}
