import Catalogs
import Datasets
import Layers
import LearnedOptimizers
import Problems
import Settings
import Tensors
import Testing
import Unrolling

@Suite("NetDescription")
struct NetDescriptionTests {
  static let problems = Catalog.standard.problems.map(\.name)

  private func nets(_ problem: String) throws -> [NetAssignment] {
    try Catalog.standard.problem(named: problem).nets.map {
      try $0.assignment(from: Catalog.standard.optimizers)
    }
  }

  /// A net that nothing is special about, as often as asked for.
  private func weights(seed: UInt64, count: Int) throws -> [[Float]] {
    let nets = try (0..<count).map { index in
      try NetDescription(
        key: "net\(index)", net: CoordinateWiseDeepLSTM.name,
        options: ["layers": .array([.number(2)])], parameters: ["x_\(index)"]
      ).assignment(from: Catalog.standard.optimizers)
    }
    return try Experiment(problem: Simple(dimensions: count), nets: nets)
      .initialWeights(seed: seed).map(\.flattened.elements)
  }

  @Test(
    "every problem's default nets can be made and step all of its parameters",
    arguments: problems)
  func defaults(problem: String) throws {
    let directory = problem.hasPrefix("cifar") ? "synthetic" : nil
    let built = try Catalog.standard.problem(named: problem)
      .make(data: ProblemData(split: .train, directory: directory))
    let experiment = try Experiment(problem: built.problem, nets: nets(problem))
    #expect(!experiment.nets.isEmpty)
    #expect(experiment.fixedParameters == [])
  }

  @Test("initial weights follow from the seed and the net's position")
  func seeds() throws {
    let first = try weights(seed: 0, count: 2)
    #expect(try weights(seed: 0, count: 2) == first)
    #expect(try weights(seed: 1, count: 2)[0] != first[0])
    #expect(first[0] != first[1])
  }

  @Test("the default nets are the reference program's")
  func reference() throws {
    func net(_ problem: String) throws -> CoordinateWiseDeepLSTM? {
      try nets(problem).first?.optimizer as? CoordinateWiseDeepLSTM
    }
    let simple = try net("simple")?.net
    #expect(simple?.layers == [])
    #expect(simple?.preprocess == .identity)
    let start = try Experiment(problem: Simple(), nets: nets("simple")).initialWeights(seed: 0)
    #expect(start.map(\.flattened.elements) == [[0, 0]])
    let quadratic = try net("quadratic")?.net
    #expect(quadratic?.layers == [20, 20])
    #expect(quadratic?.preprocess == .identity)
    #expect(quadratic?.scale == 1)
    let mnist = try net("mnist")?.net
    #expect(mnist?.layers == [20, 20])
    #expect(mnist?.preprocess == .logAndSign(k: 5))
    #expect(mnist?.scale == 0.01)
    let multi = try nets("simple-multi")
    #expect(multi.map(\.parameters) == [["x_0"], ["x_1"]])
    #expect((multi[1].optimizer as? Adam)?.learningRate == 0.1)
  }

  @Test(
    "of cifar-multi one net steps the filters, the other all else", arguments: ["", "4", "3,2,5"])
  func cifarMulti(channels: String) throws {
    let problem = try Catalog.standard.problem(named: "cifar-multi").make(
      options: ["conv_channels": channels], data: ProblemData(split: .test, directory: "synthetic")
    ).problem
    let names = problem.parameters.map(\.name)
    let filters = names.filter { $0.hasPrefix("conv_net_2d/conv_2d_") && $0.hasSuffix("/w") }
    guard !channels.isEmpty else {
      #expect(
        throws: ExperimentError.unknownVariables(
          net: "conv", names: ["conv_net_2d/conv_2d_*/w"], valid: names)
      ) { try Experiment(problem: problem, nets: nets("cifar-multi")) }
      return
    }
    let experiment = try Experiment(problem: problem, nets: nets("cifar-multi"))
    #expect(experiment.nets.map(\.key) == ["conv", "fc"])
    #expect(experiment.layout.positions[0].map { names[$0] } == filters)
    #expect(
      experiment.layout.positions[1].map { names[$0] } == names.filter { !filters.contains($0) })
    #expect(filters.count == channels.split(separator: ",").count)
    #expect(experiment.fixedParameters.isEmpty)
  }

  @Test("wrong options of a net are errors")
  func wrongOptions() {
    #expect(throws: OptimizerError.self) {
      try NetDescription(key: "cw", net: "LSTM", options: [:])
        .assignment(from: Catalog.standard.optimizers)
    }
    #expect(throws: OptimizerError.self) {
      try NetDescription(key: "sgd", net: "Sgd", options: ["rate": .number(1)])
        .assignment(from: Catalog.standard.optimizers)
    }
  }
}
