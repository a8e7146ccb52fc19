import ArgumentParser
import Layers
import LearnedOptimizers
import Tensors

/// Times the step of every optimizer by itself: the overhead that a user pays.
struct Overhead: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overhead",
    abstract: "Nanoseconds a parameter and step of every optimizer, beside Adam's.")

  @Option(name: .customLong("runs"), help: "Runs of each measurement; the median counts.")
  var runs = 5
  @Option(name: .customLong("only"), help: "One optimizer instead of all.")
  var only: String?

  /// Tensors of a perceptron of about a million parameters, and of the one that Celo2 is trained on.
  private static let sizes: [(name: String, shapes: [Shape], repeats: Int)] = [
    ("64-32-10", [[64, 32], [32], [32, 10], [10]], 2000),
    ("1 million", [[784, 1024], [1024], [1024, 200], [200]], 5),
  ]

  mutating func run() throws {
    print("| optimizer | parameters | ns a parameter and step | times Adam's | of FMA peak |")
    print("|---|---|---|---|---|")
    for (name, shapes, repeats) in Self.sizes {
      var adam: Double?
      for entry in Self.rules where only == nil || entry.name == only || entry.name == "Adam" {
        let time = try self.time(entry.rule, shapes, repeats)
        if entry.name == "Adam" { adam = time }
        let ratio = adam.map { String(describing: (time / $0 * 10).rounded() / 10) } ?? ""
        print(
          "| \(entry.name) | \(name) | \((time * 100).rounded() / 100) | \(ratio)"
            + " | \(peakShare(of: entry.rule, nanoseconds: time)) |")
      }
    }
  }

  private static let rules: [(name: String, rule: any LearnedOptimizer)] = [
    ("Adam", Adam()), ("SGD", Sgd()), ("Celo2", Celo2()), ("Celo2Base", Celo2Base()),
    ("AdafacMLPLOpt", AdafacMLPLOpt()), ("MLPLOpt", MLPLOpt()), ("Celo", Celo()),
    ("CoordinateWiseDeepLSTM", CoordinateWiseDeepLSTM(preprocess: .logAndSign(k: 5), scale: 0.01)),
    ("RNNprop", RNNprop()),
  ]

  /// The part of the FMA peak, measured now, that the perceptron's products with its weights amount to:
  /// what makes features, normalizes and orthogonalizes counts as nothing.
  private func peakShare(of rule: any LearnedOptimizer, nanoseconds: Double) -> String {
    guard rule is Celo2 || rule is Celo2Base || rule is AdafacMLPLOpt || rule is MLPLOpt else {
      return ""
    }
    let products = rule.weights.filter { $0.shape.rank == 2 }.reduce(0) { $0 + $1.shape.count }
    let peak = Machine.measurePeak() * 1e-9
    return "\(Int((100 * Double(2 * products) / nanoseconds / peak).rounded()))%"
  }

  /// Nanoseconds a parameter and step.
  private func time(
    _ rule: any LearnedOptimizer, _ shapes: [Shape], _ repeats: Int
  ) throws -> Double {
    var random = RandomStream(seed: 1, purpose: .test)
    let engine = rule.makeEngine()
    engine.load(rule.initialWeights(&random))
    let count = shapes.reduce(0) { $0 + $1.count }
    let isSlow = rule is CoordinateWiseDeepLSTM || rule is RNNprop
    let repeats = isSlow ? max(repeats / 50, 1) : repeats
    let gradient = random.normal(Shape(vector: count), standardDeviation: 0.01)
    var parameters = random.normal(Shape(vector: count), standardDeviation: 0.1)
    var state = engine.initialState(of: shapes)
    let input = StepInput(gradient: gradient, parameters: gradient, loss: 1, count: 1000)
    var times: [Double] = []
    for run in 0...runs {
      let time = seconds {
        for _ in 0..<repeats { engine.apply(input, state: &state, to: &parameters, at: 0) }
      }
      // The first one warms up.
      if run > 0 { times.append(time / Double(repeats * count) * 1e9) }
    }
    return median(times)
  }
}
