import ArgumentParser
internal import COpenBLAS
import Catalogs
import LearnedOptimizers
import Problems
import Tensors
import Unrolling

/// Times what an optimizee costs without its optimizer, against the matrix products in it.
struct Gradients: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Loss and gradient of every problem against OpenBLAS's products alone, and draws.",
    discussion: """
      The products of a gradient (of windows, for convolutions) are written down once and computed \
      again by OpenBLAS on one thread, one after the other, with nothing between them: the share is \
      their time of the whole gradient's. A draw makes an optimizee: its problem, initial parameters \
      and constants; its share is of a trajectory of 500 steps by AdafacMLPLOpt, the fastest of the \
      learned rules.
      """)

  @Option(name: .customLong("runs"), help: "Runs of each measurement; the median counts.")
  var runs = 5
  @Option(name: .customLong("problem"), help: "One problem instead of all.")
  var problem: String?

  mutating func run() throws {
    openblas_set_num_threads(1)
    print(
      "| problem | parameters | gradient, us | its products by OpenBLAS, us | share"
        + " | a draw, us | of 500 steps |")
    print("|---|---|---|---|---|---|---|")
    for entry in Catalog.standard.problems where problem == nil || entry.name == problem {
      print(try row(entry))
    }
  }

  private func row(_ entry: ProblemEntry) throws -> String {
    let built = try entry.make(data: benchData(entry.name))
    let experiment = try Experiment(
      tasks: [TaskAssignment(entry.name, built.family)],
      nets: [NetAssignment(key: "net", optimizer: AdafacMLPLOpt())])
    let unroller = Unroller(experiment, weights: experiment.initialWeights(seed: 0))
    func key(_ instance: Int) -> OptimizeeKey {
      OptimizeeKey(seed: 1, phase: .test, epoch: 0, instance: instance)
    }
    // Families have members of several sizes; all of the first ones count.
    let members = built.family is any Problem ? 1 : 8
    var optimizees = (0..<members).map { unroller.makeOptimizee(key($0)) }
    let products = try ProductLog.products {
      for index in optimizees.indices { _ = try unroller.lossAndGradient(&optimizees[index]) }
    }
    let gradient = try time {
      for index in optimizees.indices { _ = try unroller.lossAndGradient(&optimizees[index]) }
    }
    let replay = Replay(products)
    let alone = products.isEmpty ? 0 : time { replay.run() }
    let step = try time {
      for index in optimizees.indices { _ = try unroller.step(&optimizees[index]) }
    }
    let draw = time { for index in optimizees.indices { _ = unroller.makeOptimizee(key(index)) } }
    let count = optimizees.reduce(0) { $0 + $1.layout.count } / members
    func text(_ seconds: Double) -> String {
      String(describing: (seconds / Double(members) * 1e8).rounded() / 100)
    }
    func percent(_ share: Double) -> String {
      "\(String(describing: (share * 1000).rounded() / 10))%"
    }
    return "| \(entry.name) | \(count) | \(text(gradient)) | \(alone > 0 ? text(alone) : "–")"
      + " | \(alone > 0 ? percent(alone / gradient) : "–") | \(text(draw))"
      + " | \(percent(draw / (500 * step))) |"
  }

  /// The median time of a piece of work, repeated for some milliseconds in each run.
  private func time(_ body: () throws -> Void) rethrows -> Double {
    try body()
    let once = try seconds(body)
    let repeats = min(max(Int(0.02 / max(once, 1e-9)), 1), 10_000)
    var times: [Double] = []
    for _ in 0..<runs {
      times.append(try seconds { for _ in 0..<repeats { try body() } } / Double(repeats))
    }
    return median(times)
  }
}

/// Products by OpenBLAS, each on numbers of its own.
private final class Replay {
  private struct Operands {
    let product: ProductLog.Product
    let a: Tensor
    let b: Tensor
    let c: UnsafeMutablePointer<Float>
  }

  private let all: [Operands]

  init(_ products: [ProductLog.Product]) {
    var random = RandomStream(seed: 1, purpose: .test)
    all = products.map { product in
      let (m, n, k) = (product.m, product.n, product.k)
      return Operands(
        product: product,
        a: random.normal(Shape(vector: product.count * m * k), standardDeviation: 1),
        b: random.normal(Shape(vector: product.count * k * n), standardDeviation: 1),
        c: .allocate(capacity: product.count * m * n))
    }
  }

  deinit { for operands in all { operands.c.deallocate() } }

  func run() {
    for operands in all {
      let product = operands.product
      let (m, n, k) = (product.m, product.n, product.k)
      operands.a.withUnsafeFloats { a in
        operands.b.withUnsafeFloats { b in
          for index in 0..<product.count {
            cblas_sgemm(
              CblasRowMajor, product.transposeA ? CblasTrans : CblasNoTrans,
              product.transposeB ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k),
              1, a + index * m * k, blasint(product.transposeA ? m : k), b + index * k * n,
              blasint(product.transposeB ? k : n), 0, operands.c + index * m * n, blasint(n))
          }
        }
      }
    }
  }
}
