import ArgumentParser
import CKernels
import Catalogs
import Datasets
internal import Essentials
import Layers
import LearnedOptimizers
import MetaTraining
internal import Platform
import Problems
import ProcessGroups
import Tensors
import Unrolling

/// One measurement.
struct Measurement: Codable {
  let name: String
  /// The median of the runs.
  let seconds: Double
  /// Algorithmic operations (recomputation does not count), where they are counted.
  let flop: Double?
  /// The part of the FMA peak that they amount to.
  ///
  /// The median over the runs, each with the peak as measured just before it: a core's clock moves
  /// with what its neighbours do.
  let peakShare: Double?
}

/// What is printed with `--json`.
struct Report: Codable {
  /// The median over all runs.
  let peakGFLOPs: Double
  let measurements: [Measurement]
  let peakMemoryMB: Double
}

/// Times kernels and epochs on one core.
struct Machine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine", abstract: "Time kernels and epochs of every problem on one core.")

  @Option(name: .customLong("runs"), help: "Runs of each measurement; the median counts.")
  var runs = 5
  @Option(name: .customLong("problem"), help: "One problem instead of all.")
  var problem: String?
  @Flag(name: .customLong("kernels"), help: "Only the learned optimizers' kernels.")
  var kernelsOnly = false
  @Flag(name: .customLong("json"), help: "Print JSON.")
  var json = false

  mutating func run() throws {
    var measurements: [Measurement] = []
    var peaks: [Double] = []
    func add(_ name: String, flop: Double? = nil, _ body: () throws -> Void) rethrows {
      try body()
      var times: [Double] = []
      var shares: [Double] = []
      for _ in 0..<max(runs, 1) {
        let peak = Self.measurePeak()
        peaks.append(peak)
        times.append(try seconds(body))
        if let flop, peak > 0 { shares.append(flop / times[times.count - 1] / peak) }
      }
      measurements.append(
        Measurement(
          name: name, seconds: median(times), flop: flop,
          peakShare: shares.isEmpty ? nil : median(shares)))
    }
    if problem == nil { try addKernels(add) }
    if problem == nil && !kernelsOnly { try addConvolutions(add) }
    let problems = problem.map { [$0] } ?? Catalog.standard.problems.map(\.name)
    for name in kernelsOnly ? [] : problems { try addEpochs(name, add) }
    try report(
      Report(
        peakGFLOPs: median(peaks) * 1e-9, measurements: measurements,
        peakMemoryMB: peakMemory()))
  }

  private func report(_ report: Report) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
    print("FMA peak of one core: \(String(format: "%.0f", report.peakGFLOPs)) GFLOP/s")
    print("| what | median of \(runs) | GFLOP/s | of peak |")
    print("|---|---|---|---|")
    for measurement in report.measurements {
      let time = String(format: "%.3f ms", measurement.seconds * 1e3)
      let rate = measurement.flop.map { String(format: "%.1f", $0 / measurement.seconds * 1e-9) }
      let share = measurement.peakShare.map { String(format: "%.0f%%", $0 * 100) }
      print("| \(measurement.name) | \(time) | \(rate ?? "") | \(share ?? "") |")
    }
    print("Peak memory: \(String(format: "%.0f", report.peakMemoryMB)) MB")
  }

  // MARK: - Kernels

  /// Operations of a forward step of a row: two a weight.
  private static func forwardFlop(_ net: DeepLSTM) -> Double {
    net.weights.filter { $0.shape.rank == 2 }.reduce(0) { $0 + 2 * Double($1.shape.count) }
  }

  private func addKernels(
    _ measure: (String, Double?, () throws -> Void) throws -> Void
  ) throws {
    let steps = 20
    var random = RandomStream(seed: 1, purpose: .test)
    for (name, layers, rows, repeats) in [
      ("mnist net", [20, 20], 15_910, 1), ("quadratic net", [20, 20], 1_280, 1),
      ("32+32 net", [32, 32], 8_000, 1), ("simple net", [20, 20], 1, 100),
    ] {
      let optimizer = CoordinateWiseDeepLSTM(
        layers: layers, preprocess: name.hasPrefix("quadratic") ? .identity : .logAndSign(k: 5),
        scale: 0.01)
      let engine = FusedEngine(optimizer)
      engine.load(optimizer.initialWeights(&random))
      let gradients = (0...steps).map { _ in
        random.normal(Shape(vector: rows), standardDeviation: 0.01)
      }
      let flop = Self.forwardFlop(optimizer.net) * Double(rows * steps * repeats)
      let start = engine.initialState(of: [Shape(vector: rows)])
      var sum = [Double](repeating: 0, count: optimizer.weightCount)
      func forward() {
        var state = start
        for gradient in gradients.dropLast() {
          _ = engine.step(
            StepInput(gradient: gradient, parameters: gradient, loss: 0), state: &state)
        }
      }
      func backward() { engine.backward(gradients: gradients, from: start, into: &sum) }
      func backwardStepByStep() {
        var adjoint = start
        for gradient in gradients.dropLast() {
          _ = engine.backwardStep(
            StepInput(gradient: gradient, parameters: gradient, loss: 0), state: start,
            updateAdjoint: gradient, stateAdjoint: &adjoint, into: &sum)
        }
      }
      let times = repeats == 1 ? "" : " \(repeats) times"
      func add(_ what: String, _ flop: Double, _ body: @escaping () -> Void) throws {
        try measure("\(name)\(what)", flop) { for _ in 0..<repeats { body() } }
      }
      let size = rows == 1 ? "1 row" : "\(rows) rows"
      try add(", \(size), 20 steps\(times): forward", flop) { forward() }
      try add(": backward", 2 * flop) { backward() }
      try add(": forward and backward", 3 * flop) {
        forward()
        backward()
      }
      try add(": backward step by step, for second derivatives", 2 * flop) {
        backwardStepByStep()
      }
    }
  }

  // MARK: - Epochs

  private func addEpochs(
    _ name: String, _ add: (String, Double?, () throws -> Void) throws -> Void
  ) throws {
    let experiment = try benchExperiment(name)
    var options = TrainingOptions(problem: name)
    // Periods that never come, and no evaluation at the end: only epochs are timed.
    (options.logPeriod, options.evaluationPeriod) = (Int.max, Int.max)
    options.evaluationEpochs = 0
    let repeats = name.hasPrefix("simple") ? 100 : 1
    for second in [false, true] {
      options.secondDerivatives = second
      options.epochCount = repeats
      try add(
        "\(name): \(repeats == 1 ? "a" : "\(repeats)") training epoch\(repeats == 1 ? "" : "s")"
          + (second ? ", second derivatives" : ""), nil
      ) {
        let state = MetaTrainer.initialState(of: experiment, options: options)
        _ = try MetaTrainer(experiment: experiment, options: options, state: state).run()
      }
    }
    let unroller = Unroller(experiment, weights: experiment.initialWeights(seed: 0))
    try add(
      "\(name): \(repeats == 1 ? "an" : "\(repeats)") evaluation epoch\(repeats == 1 ? "" : "s")",
      nil
    ) {
      _ = try unroller.evaluate(
        epochs: repeats, stepCount: 100, unrollLength: 20, seed: 0, phase: .validation,
        group: SoleProcess())
    }
  }

  // MARK: - The machine

  /// Floating-point operations a second of one core, from some milliseconds of multiply-adds.
  static func measurePeak() -> Double {
    let rounds: Int64 = 2_000_000
    var flop = 0.0
    let time = seconds { flop = ck_run_fma(rounds) }
    return flop / time
  }
}

/// The most memory that this process ever held, in MB.
func peakMemory() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return Double(usage.ru_maxrss) / 1024
}

/// A problem with its default nets; the embedded or synthetic data unless a folder is given.
func benchExperiment(_ name: String, directory: String? = nil) throws -> Experiment {
  let catalog = Catalog.standard
  let entry = try catalog.problem(named: name)
  let built = try entry.make(data: benchData(name, directory: directory))
  return try Experiment(
    problem: built.problem,
    named: name,
    nets: try entry.nets.map { try $0.assignment(from: catalog.optimizers) })
}

/// The data to time a problem on: speed does not depend on what is in the images.
func benchData(_ name: String, directory: String? = nil) -> ProblemData {
  ProblemData(
    split: .train, directory: directory ?? (name.hasPrefix("cifar") ? "synthetic" : nil))
}
