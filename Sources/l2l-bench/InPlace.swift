import ArgumentParser
import LearnedOptimizers
import Tensors

/// Times what the C library adds to a step of the program's own: its look whether the gradient is finite,
/// then the engine.
struct InPlace: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "in-place",
    abstract: "A step of the C library on a million parameters beside the program's own, in turn.")

  @Option(name: .customLong("runs"), help: "Runs of each; the fastest and the median count.")
  var runs = 15
  @Option(name: .customLong("only"), help: "One optimizer instead of all.")
  var only: String?

  private static let shapes: [Shape] = [[784, 1024], [1024], [1024, 200], [200]]
  private static let rules: [(name: String, rule: any LearnedOptimizer)] = [
    ("Adam", Adam()), ("Celo2Base", Celo2Base()), ("AdafacMLPLOpt", AdafacMLPLOpt()),
    ("MLPLOpt", MLPLOpt()), ("Celo", Celo()), ("Celo2", Celo2()),
    ("CoordinateWiseDeepLSTM", CoordinateWiseDeepLSTM(preprocess: .logAndSign(k: 5), scale: 0.01)),
  ]

  mutating func run() throws {
    print("| optimizer | program, ms | C library, ms | ratio of the fastest | of the medians |")
    print("|---|---|---|---|---|")
    for entry in Self.rules where only == nil || entry.name == only {
      let (engine, library) = try times(entry.rule)
      func ms(_ times: [Double]) -> String {
        String(describing: (median(times) * 1e5).rounded() / 100)
      }
      func ratio(_ a: Double, _ b: Double) -> String {
        String(describing: (a / b * 1000).rounded() / 1000)
      }
      print(
        "| \(entry.name) | \(ms(engine)) | \(ms(library))"
          + " | \(ratio(library.min() ?? 0, engine.min() ?? 1))"
          + " | \(ratio(median(library), median(engine))) |")
    }
  }

  /// Seconds of steps, of the engine and of the library, taken in turn.
  private func times(_ rule: any LearnedOptimizer) throws -> (engine: [Double], library: [Double]) {
    var random = RandomStream(seed: 1, purpose: .test)
    let trained = TrainedOptimizer(rule, weights: rule.initialWeights(&random))
    let engine = rule.makeEngine()
    engine.load(trained.weights)
    let stepper = try InPlaceStepper(trained, shapes: Self.shapes, plannedSteps: 1000)
    let count = Self.shapes.reduce(0) { $0 + $1.count }
    let gradient = random.normal(Shape(vector: count), standardDeviation: 0.01)
    var own = random.normal(Shape(vector: count), standardDeviation: 0.1)
    // In memory of the same kind, aligned to lines of the cache.
    var parameters = own
    var state = engine.initialState(of: Self.shapes)
    let input = StepInput(gradient: gradient, parameters: gradient, loss: 1, count: 1000)
    var result: (engine: [Double], library: [Double]) = ([], [])
    for run in 0...runs {
      let first = seconds {
        // As `Unroller` does before every step.
        precondition(gradient.isFinite)
        engine.apply(input, state: &state, to: &own, at: 0)
      }
      let second = try parameters.withUnsafeMutableFloats { p in
        try gradient.withUnsafeFloats { g in
          var start = 0
          let places = Self.shapes.map { shape in
            defer { start += shape.count }
            return InPlaceStepper.Place(parameters: p + start, gradient: g + start)
          }
          var fault: (any Error)?
          let time = seconds {
            do { _ = try stepper.step(places, loss: 1) } catch { fault = error }
          }
          if let fault { throw fault }
          return time
        }
      }
      // The first ones warm up.
      if run > 0 {
        result.engine.append(first)
        result.library.append(second)
      }
    }
    return result
  }
}
