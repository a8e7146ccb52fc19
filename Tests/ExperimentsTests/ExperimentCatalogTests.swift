import Datasets
import Experiments
import Layers
import LearnedOptimizers
import Problems
import Tensors
import Testing

@Suite("ExperimentCatalog")
struct ExperimentCatalogTests {
  static let problems = ProblemCatalog.all.map(\.name)

  private func nets(_ problem: String, seed: UInt64 = 0) throws -> [NetAssignment] {
    try ExperimentCatalog.nets(forProblem: problem).enumerated().map {
      NetAssignment(
        key: $1.key, optimizer: try $1.make(seed: seed, position: $0), parameters: $1.parameters)
    }
  }

  @Test(
    "every problem's default nets can be made and step all of its parameters",
    arguments: problems)
  func defaults(problem: String) throws {
    let directory = problem.hasPrefix("cifar") ? "synthetic" : nil
    let built = try ProblemCatalog.entry(named: problem)
      .make(data: ProblemData(split: .train, directory: directory))
    let experiment = try Experiment(problem: built.problem, nets: nets(problem))
    #expect(!experiment.nets.isEmpty)
    #expect(experiment.fixedParameters == [])
  }

  @Test("initial weights follow from the seed and the net's position", arguments: problems)
  func seeds(problem: String) throws {
    let first = try nets(problem).map(\.optimizer.weights.flattened.elements)
    #expect(try nets(problem).map(\.optimizer.weights.flattened.elements) == first)
    let description = NetDescription(
      key: "cw", net: CoordinateWiseDeepLSTM.name, options: ["layers": .array([.number(2)])])
    func weights(_ seed: UInt64, _ position: Int) throws -> [Float] {
      try description.make(seed: seed, position: position).weights.flattened.elements
    }
    #expect(try weights(0, 0) != weights(1, 0))
    #expect(try weights(0, 0) != weights(0, 1))
  }

  @Test("the default nets are the reference program's")
  func reference() throws {
    func net(_ problem: String) throws -> CoordinateWiseDeepLSTM? {
      try nets(problem).first?.optimizer as? CoordinateWiseDeepLSTM
    }
    let simple = try net("simple")?.net
    #expect(simple?.layers == [])
    #expect(simple?.preprocess == .identity)
    #expect(simple?.weights.flattened.elements == [0, 0])
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
    let problem = try ProblemCatalog.entry(named: "cifar-multi").make(
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
    #expect(experiment.steppedBy[0].map { names[$0] } == filters)
    #expect(experiment.steppedBy[1].map { names[$0] } == names.filter { !filters.contains($0) })
    #expect(filters.count == channels.split(separator: ",").count)
    #expect(experiment.fixedParameters.isEmpty)
  }

  @Test("wrong options of a net are errors")
  func wrongOptions() {
    #expect(throws: OptimizerError.self) {
      try NetDescription(key: "cw", net: "LSTM", options: [:]).make(seed: 0, position: 0)
    }
    #expect(throws: OptimizerError.self) {
      try NetDescription(key: "sgd", net: "Sgd", options: ["rate": .number(1)])
        .make(seed: 0, position: 0)
    }
  }
}
