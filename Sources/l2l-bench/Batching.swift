import ArgumentParser
import CKernels
import LearnedOptimizers
import Tensors

/// Times what an inner step of evolution strategies is made of, alone and for many walkers at once: the
/// most that could be won by advancing walkers or particles as one batch.
///
/// Walkers of a pair differ in the optimizer's weights, particles in these and in the optimizee, so no
/// product has an operand in common with another but the first layer of a pair's perceptrons, which see
/// the same minibatch: there two products may become one of twice the width. A batch of the rest could
/// only save calls.
///
/// On a core of an AMD EPYC (Zen 3, AVX2) a batch of 16 brings nothing: Celo2's step takes 48.7 us a walker
/// either way, and what an LSTM, RNNprop and the joined first layer gain in one run they lose in another. So
/// walkers go one after the other, each with its state in the cache.
struct Batching: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batching",
    abstract: "Microseconds of an inner step's parts, one walker at a time and many at once.")

  @Option(name: .customLong("runs"), help: "Runs of each measurement; the median counts.")
  var runs = 5
  @Option(name: .customLong("walkers"), help: "Walkers of a batch.")
  var walkers = 16

  private static let shapes: [Shape] = [[64, 32], [32], [32, 10], [10]]

  mutating func run() throws {
    print("| part | one by one, us a walker | \(walkers) at once | ratio |")
    print("|---|---|---|---|")
    for (name, rule) in Self.rules {
      row(name, engine(rule, batch: 1), engine(rule, batch: walkers))
    }
    row("first layer of a pair, 64 x 64 x 32", products(width: 32), products(width: 64) / 2)
  }

  private static let rules: [(String, any LearnedOptimizer)] = [
    ("Celo2's step, same weights", Celo2()),
    ("LSTM's step, same weights", CoordinateWiseDeepLSTM(preprocess: .logAndSign(k: 5))),
    ("RNNprop's step, same weights", RNNprop()),
  ]

  private func row(_ name: String, _ alone: Double, _ together: Double) {
    func text(_ x: Double) -> String { String(describing: (x * 100).rounded() / 100) }
    print("| \(name) | \(text(alone)) | \(text(together)) | \(text(alone / together)) |")
  }

  /// Microseconds a walker of steps of `batch` walkers' tensors in one call.
  private func engine(_ rule: any LearnedOptimizer, batch: Int) -> Double {
    var random = RandomStream(seed: 1, purpose: .test)
    let engine = rule.makeEngine()
    engine.load(rule.initialWeights(&random))
    let shapes = (0..<batch).flatMap { _ in Self.shapes }
    let count = shapes.reduce(0) { $0 + $1.count }
    let gradient = random.normal(Shape(vector: count), standardDeviation: 0.01)
    var parameters = random.normal(Shape(vector: count), standardDeviation: 0.1)
    var states = (0..<walkers / batch).map { _ in engine.initialState(of: shapes) }
    let input = StepInput(gradient: gradient, parameters: gradient, loss: 1, count: 1000)
    return time(walkers) {
      for index in states.indices {
        engine.apply(input, state: &states[index], to: &parameters, at: 0)
      }
    }
  }

  /// Microseconds of a product of 64 rows of 64 pixels with weights of some width.
  private func products(width: Int) -> Double {
    var random = RandomStream(seed: 1, purpose: .test)
    let x = random.normal([64, 64], standardDeviation: 1)
    let w = random.normal([64, width], standardDeviation: 1)
    var y = Tensor.zeros([64, width])
    return time(100) {
      x.withUnsafeFloats { x in
        w.withUnsafeFloats { w in
          y.withUnsafeMutableFloats { y in
            for _ in 0..<100 { ck_small_product(64, Int64(width), 64, x, 0, w, 0, 0, y, nil) }
          }
        }
      }
    }
  }

  /// Microseconds of one of `count` things that `body` does.
  private func time(_ count: Int, _ body: () -> Void) -> Double {
    var times: [Double] = []
    for run in 0...runs {
      let time = seconds { for _ in 0..<20 { body() } }
      // The first one warms up.
      if run > 0 { times.append(time / Double(20 * count) * 1e6) }
    }
    return median(times)
  }
}
