import Autodiff
import Foundation
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Safetensors
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// What the reference program's own tests of meta-training assert.
@Suite("Cases of the reference program's tests")
struct ReferenceCasesTests {
  /// Meta-trains like the reference's tests: epochs of unrolls with Adam at 0.01 on the weights.
  private func train(
    _ experiment: WeightedExperiment, unrollLength: Int, unrolls: Int, epochs: Int = 1,
    secondDerivatives: Bool = false
  ) throws -> (costs: [Double], points: [[Float]], weights: [NamedTensors]) {
    let unroller = experiment.makeUnroller()
    var weights = experiment.weights
    var adam = MetaOptimizer(learningRate: 0.01, weightCounts: weights.map(\.elementCount))
    var costs: [Double] = []
    var points: [[Float]] = []
    for epoch in 0..<epochs {
      var optimizee = unroller.makeOptimizee(key(epoch: epoch))
      for _ in 0..<unrolls {
        let outcome = try unroller.unroll(
          &optimizee, steps: unrollLength, secondDerivatives ? .second() : .first)
        costs.append(outcome.finalLoss)
        points.append(optimizee.parameters.elements)
        var vectors = weights.map(\.flattened)
        adam.step(
          &vectors, gradients: outcome.gradients.map { $0.map { Float($0) } })
        for net in weights.indices { weights[net] = weights[net].unflattening(vectors[net]) }
        unroller.load(weights)
      }
    }
    return (costs, points, weights)
  }

  private let zeroNet = net([], initializers: .all(.zeros))

  @Test("simple with a linear net reproduces Torch's numbers and 20 rows of the reference's")
  func torchNumbers() throws {
    let golden = try Golden("simple_training", in: .module)
    let result = try train(
      try experiment(Simple(), zeroNet), unrollLength: 5, unrolls: 2, epochs: 10)
    // The published check is to 4 decimals; later rows are tiny numbers, compared relatively.
    #expect(abs(result.costs[1] - 0.7325327) < 1e-4)
    #expect(abs(result.points[1][0] - 0.8559) < 1e-4)
    for (row, cost) in try golden("cost").elements.enumerated() {
      #expect(
        abs(result.costs[row] - Double(cost)) < 1e-4 * Double(max(1, abs(cost))), "row \(row)")
    }
    for (row, x) in try golden("x").elements.enumerated() {
      #expect(abs(result.points[row][0] - x) < 1e-4, "row \(row)")
    }
    let last = try golden("linear_w_b").elements.suffix(2)
    #expect(distance(result.weights[0].flattened.elements, Array(last)) < 1e-4)
  }

  private func assigned(_ nets: [NetAssignment]) throws -> WeightedExperiment {
    let problem = Simple(dimensions: 2)
    let weights = try Experiment(problem: problem, nets: nets).initialWeights(seed: 0)
    return try WeightedExperiment(problem, nets: nets, weights: weights)
  }

  @Test("several nets, or one, step the variables that they are assigned to")
  func assignments() throws {
    let lstm = net([1]).rule
    let settings: [[NetAssignment]] = [
      [NetAssignment(key: "net", optimizer: net([1, 1]).rule)],
      [NetAssignment(key: "net", optimizer: lstm, parameters: ["x_0", "x_1"])],
      [
        NetAssignment(key: "net1", optimizer: lstm, parameters: ["x_0"]),
        NetAssignment(key: "net2", optimizer: Adam(), parameters: ["x_1"]),
      ],
    ]
    for nets in settings {
      let result = try train(try assigned(nets), unrollLength: 3, unrolls: 2)
      #expect(result.costs.count == 2 && result.costs.allSatisfy { $0.isFinite })
      #expect(result.points[1].allSatisfy { $0 != 1 }, "every variable has moved")
    }
  }

  @Test("two nets on one variable are an error that names it")
  func doubleAssignment() {
    #expect(throws: ExperimentError.doublyAssigned(names: ["x_0"], nets: ["net1", "net2"])) {
      _ = try assigned([
        NetAssignment(key: "net1", optimizer: net([1]).rule, parameters: ["x_0"]),
        NetAssignment(key: "net2", optimizer: net([2]).rule, parameters: ["x_0"]),
      ])
    }
  }

  @Test("second derivatives run on a linear net with random weights")
  func secondDerivatives() throws {
    let result = try train(
      try experiment(Simple(), net([])), unrollLength: 3, unrolls: 2, secondDerivatives: true)
    #expect(result.costs.allSatisfy { $0.isFinite })
  }

  /// x times x, computed in a loop of one round.
  private struct Looping: Problem {
    let parameters = [VariableSpecification("x", .scalar, .constant(1))]

    func loss(
      parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
    ) -> Variable {
      var result = parameters[0]
      for _ in 0..<1 { result = result * parameters[0] }
      return result
    }
  }

  @Test("an optimizee's loss may contain a loop")
  func loop() throws {
    let looped = try train(try experiment(Looping(), zeroNet), unrollLength: 3, unrolls: 2)
    let plain = try train(try experiment(Simple(), zeroNet), unrollLength: 3, unrolls: 2)
    #expect(distance(looped.costs, plain.costs.map { Float($0) }) < 1e-6)
  }

  @Test("a net that is saved and loaded goes on like the one in memory")
  func saveAndLoad() throws {
    let first = try train(
      try experiment(Simple(), net([2, 3], initializers: .all(.zeros))), unrollLength: 3,
      unrolls: 2)
    var trained = net([2, 3])
    trained.weights = first.weights[0]
    let loaded = try TrainedOptimizer(
      file: try SafetensorsFile(bytes: try trained.trained.file.serialized()))
    let rule = try #require(loaded.rule as? CoordinateWiseDeepLSTM)
    let inMemory = try train(
      try experiment(Simple(), trained), unrollLength: 3, unrolls: 1, epochs: 2)
    let fromFile = try train(
      try experiment(Simple(), Weighted(rule, weights: loaded.weights)), unrollLength: 3,
      unrolls: 1, epochs: 2)
    #expect(inMemory.costs == fromFile.costs && inMemory.points == fromFile.points)
  }

  @Test("simple converges below 1e-5 in 500 epochs")
  func convergence() throws {
    let result = try train(
      try experiment(Simple(), zeroNet), unrollLength: 20, unrolls: 5, epochs: 500)
    let last = try #require(result.costs.last)
    #expect(last < 1e-5)
  }
}
