import ArgumentParser
internal import Essentials
internal import Platform

/// Predicts the efficiency of large jobs from measured compute times and a network's figures.
///
/// A meta-step of R ranks takes
///
///     max of R compute times + 2 ceil(log2 R) L + max message + sum message
///
/// The two collectives are a maximum of a few integers, L a tree level each way, and a sum of n
/// integers by reduce-scatter and all-gather (Rabenseifner, 2004): 2 ceil(log2 R) L + 2 n 8 bytes
/// (R - 1) / R / bandwidth. Compute times vary between ranks by a relative deviation s; the largest
/// of R normal ones lies about s sqrt(2 ln R) above the mean.
struct Scaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling", abstract: "Predict the efficiency of 64, 256 and 1,024 ranks.")

  @Option(name: .customLong("compute"), help: "Milliseconds of one unroll with its meta-gradient.")
  var compute: Double
  @Option(name: .customLong("step"), help: "Milliseconds of the step of the weights and the rest.")
  var step = 0.2
  @Option(name: .customLong("deviation"), help: "Relative deviation of compute times.")
  var deviation = 0.02
  @Option(name: .customLong("latency"), help: "Microseconds of one message.")
  var latency = 20.0
  @Option(name: .customLong("bandwidth"), help: "Gigabits a second of a link.")
  var bandwidth = 10.0
  @Option(name: .customLong("weights"), help: "Integers summed in a meta-step.")
  var weights = 5303
  @Option(name: .customLong("ranks"), help: "Numbers of ranks, separated by commas.")
  var ranks = "2,64,256,1024"

  mutating func run() {
    print("| ranks | compute, slowest (ms) | communication (ms) | efficiency |")
    print("|---|---|---|---|")
    for count in ranks.split(separator: ",").compactMap({ Double($0) }) where count >= 1 {
      let levels = count > 1 ? (log2(count)).rounded(.up) : 0
      let slowest = compute * (1 + (count > 1 ? deviation * (2 * log(count)).squareRoot() : 0))
      let messages = 4 * levels * latency * 1e-3
      let bytes = 2 * Double(weights) * 8 * (count - 1) / count
      let communication = messages + bytes * 8 / (bandwidth * 1e9) * 1e3
      let efficiency = (compute + step) / (slowest + communication + step)
      print(
        String(
          format: "| %.0f | %.2f | %.3f | %.1f%% |", count, slowest, communication,
          efficiency * 100))
    }
  }
}
