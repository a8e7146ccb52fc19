import Autodiff
import Layers
import LearnedOptimizers
import Problems
import Tensors
import Testing
import Unrolling

/// Parameters a [2], b [2, 3], c [], d [3] that nothing is computed from.
private struct FourParameters: Problem {
  let parameters = [
    VariableSpecification("a", [2], .zeros), VariableSpecification("b", [2, 3], .zeros),
    VariableSpecification("c", .scalar, .zeros), VariableSpecification("d", [3], .zeros),
  ]

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable { parameters[2] }
}

@Suite("Experiment")
struct ExperimentTests {
  private func net(_ key: String, _ parameters: ParameterSelection = .all) -> NetAssignment {
    NetAssignment(key: key, optimizer: Sgd(), parameters: parameters)
  }

  private func experiment(_ nets: [NetAssignment]) throws -> Experiment {
    try Experiment(problem: FourParameters(), nets: nets)
  }

  @Test("one net without an assignment steps all parameters, in the problem's order")
  func oneNet() throws {
    let experiment = try experiment([net("cw")])
    #expect(experiment.layout.parameters.map(\.offset) == [0, 2, 8, 9])
    #expect(experiment.layout.parameters.map(\.specification.name) == ["a", "b", "c", "d"])
    #expect(experiment.layout.runs == [0..<12])
    #expect(experiment.layout.positions == [[0, 1, 2, 3]])
    #expect(experiment.layout.count == 12)
    #expect(experiment.fixedParameters == [])
  }

  @Test("meta-training may deal from harder problems than all else, with more parameters")
  func trainingTasks() throws {
    let plain = TaskAssignment("simple", Simple(dimensions: 2))
    let harder = TaskAssignment("simple", RandomScaling(Simple(dimensions: 2)))
    let experiment = try Experiment(tasks: [plain], trainingTasks: [harder], nets: [net("cw")])
    let unroller = Unroller(experiment, weights: [NamedTensors()])
    func optimizee(_ phase: OptimizeePhase) -> Optimizee {
      unroller.makeOptimizee(OptimizeeKey(seed: 0, phase: phase, epoch: 0, instance: 0))
    }
    #expect(optimizee(.training).problem is ScaledProblem)
    #expect(optimizee(.training).layout.count == 22)
    for phase in [OptimizeePhase.validation, .tuning, .test] {
      #expect(optimizee(phase).problem is Simple)
      #expect(optimizee(phase).layout.count == 2)
    }
  }

  @Test("each net's parameters are one run: those of the first, of the second, the fixed ones")
  func layout() throws {
    let experiment = try experiment([net("first", ["d", "b"]), net("second", ["a"])])
    // b and d, in the problem's order; then a; then c.
    #expect(experiment.layout.parameters.map(\.offset) == [9, 0, 11, 6])
    #expect(experiment.layout.runs == [0..<9, 9..<11])
    #expect(experiment.layout.positions == [[1, 3], [0]])
    #expect(experiment.fixedParameters == ["c"])
    #expect(experiment.layout.count == 12)
  }

  @Test("a pattern chooses by what is around its star, and others are what is left")
  func patterns() throws {
    struct Named: Problem {
      let parameters = ["n/l_0/w", "n/l_0/b", "n/l_10/w", "m/l_0/w", "n/l_w", "n/l_/w"].map {
        VariableSpecification($0, .scalar, .zeros)
      }
      func loss(
        parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
      ) -> Variable { parameters[0] }
    }
    let experiment = try Experiment(
      problem: Named(),
      nets: [net("rest", .others), net("some", .matching("n/l_*/w")), net("one", ["m/l_0/w"])])
    #expect(experiment.layout.positions == [[1, 4, 5], [0, 2], [3]])
    #expect(experiment.fixedParameters == [])
    let exact = try Experiment(problem: Named(), nets: [net("one", .matching("n/l_w"))])
    #expect(exact.layout.positions == [[4]])
    #expect(
      throws: ExperimentError.unknownVariables(
        net: "none", names: ["k/*"], valid: Named().parameters.map(\.name))
    ) { try Experiment(problem: Named(), nets: [net("none", .matching("k/*"))]) }
    #expect(throws: ExperimentError.doublyAssigned(names: ["n/l_0/w"], nets: ["a", "b"])) {
      try Experiment(
        problem: Named(), nets: [net("a", ["n/l_0/w"]), net("b", .matching("n/l_0*w"))])
    }
  }

  @Test("a net with an empty list and an experiment without nets step nothing")
  func nothingStepped() throws {
    let idle = try experiment([net("idle", [])])
    #expect(idle.layout.runs == [0..<0])
    #expect(idle.fixedParameters == ["a", "b", "c", "d"])
    let none = try experiment([])
    #expect(none.layout.runs == [])
    #expect(none.fixedParameters == ["a", "b", "c", "d"])
    #expect(none.layout.count == 12)
  }

  @Test("parameters that the problem does not have are an error that lists all of them")
  func unknownVariables() {
    #expect(
      throws: ExperimentError.unknownVariables(
        net: "second", names: ["x", "y"], valid: ["a", "b", "c", "d"])
    ) { try experiment([net("first", ["a"]), net("second", ["x", "b", "y"])]) }
  }

  @Test("parameters that two nets step are an error that names both")
  func doublyAssigned() {
    #expect(throws: ExperimentError.doublyAssigned(names: ["a", "c"], nets: ["first", "second"])) {
      try experiment([net("first", ["a", "b", "c"]), net("second", ["a", "c"])])
    }
    #expect(
      throws: ExperimentError.doublyAssigned(names: ["a", "b", "c", "d"], nets: ["all", "too"])
    ) { try experiment([net("all"), net("too")]) }
  }

  @Test("a parameter named twice by one net is an error too")
  func namedTwice() {
    #expect(throws: ExperimentError.doublyAssigned(names: ["a"], nets: ["first"])) {
      try experiment([net("first", ["a", "b", "a"])])
    }
  }

  @Test("two nets with one key are an error")
  func duplicateKey() {
    #expect(throws: ExperimentError.duplicateKey("cw")) {
      try experiment([net("cw", ["a"]), net("cw", ["b"])])
    }
  }

  @Test("a net that can't step a parameter's shape is an error that says what it expects")
  func unfit() throws {
    let rows = StandardDeepLSTM(outputSize: 3, layers: [])
    let kernels = KernelDeepLSTM(kernelShape: [2, 3], layers: [])
    #expect(throws: Never.self) {
      try experiment([NetAssignment(key: "rows", optimizer: rows, parameters: ["b", "d"])])
    }
    #expect(
      throws: ExperimentError.unfitParameter(
        net: "rows", parameter: "a", shape: "[2]", expected: "a last axis of 3")
    ) { try experiment([NetAssignment(key: "rows", optimizer: rows)]) }
    #expect(
      throws: ExperimentError.unfitParameter(
        net: "kernels", parameter: "b", shape: "[2, 3]", expected: "filters [2, 3, in, out]")
    ) { try experiment([NetAssignment(key: "kernels", optimizer: kernels, parameters: ["b"])]) }
  }
}
