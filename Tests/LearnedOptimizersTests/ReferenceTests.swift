import Layers
import LearnedOptimizers
import Settings
import Tensors
import TestSupport
import Testing

/// What the reference program's own tests of its networks assert, case by case.
@Suite("Networks of the reference program")
struct ReferenceTests {
  /// The four kinds of initializer that give zero updates, as options.
  static let zeroInitializers: [JSONValue] = [
    .string("zeros"),
    .object(["w": .string("zeros"), "b": .string("zeros"), "bad": .string("bad")]),
    .object(["w": .string("zeros"), "b": .array([.number(0)])]),
    .object(["linear": .object(["w": .string("zeros"), "b": .string("zeros")])]),
  ]

  /// The update of a first step in the gradient's shape.
  private func update(_ optimizer: any LearnedOptimizer, _ gradient: Tensor) -> Tensor {
    var stream = RandomStream(seed: 0, purpose: .test)
    #expect(optimizer.requirement(unmetBy: gradient.shape) == nil)
    let engine = optimizer.makeEngine()
    engine.load(optimizer.initialWeights(&stream))
    var state = engine.initialState(gradient.shape)
    return engine.step(gradient, state: &state)
  }

  private func make(_ net: String, _ options: [String: JSONValue]) throws -> any LearnedOptimizer {
    try OptimizerEntry.standard.entry(named: net).make(options: options)
  }

  private let twoLayers = JSONValue.array([.number(1), .number(1)])

  @Test("a coordinate-wise net's updates have the gradient's shape")
  func coordinateWiseShape() throws {
    let net = try make(CoordinateWiseDeepLSTM.name, ["layers": twoLayers])
    #expect(update(net, .random([10, 5], seed: 1)).shape == [10, 5])
  }

  @Test("nets of one layer have four weights")
  func weights() throws {
    let names = ["lstm_1/w_gates", "lstm_1/b_gates", "linear/w", "linear/b"]
    let one = JSONValue.array([.number(1)])
    let coordinateWise = try make(CoordinateWiseDeepLSTM.name, ["layers": one])
    #expect(coordinateWise.weights.map(\.name) == names)
    #expect(coordinateWise.weights.map(\.shape) == [[2, 4], [4], [1, 1], [1]])
    let kernels = try make(
      KernelDeepLSTM.name,
      ["layers": one, "kernel_shape": .array([.number(5), .number(5)])])
    #expect(kernels.weights.map(\.name) == names)
    #expect(kernels.weights.map(\.shape) == [[26, 4], [4], [1, 25], [25]])
  }

  @Test("a coordinate-wise net with a zero output layer does not move", arguments: zeroInitializers)
  func coordinateWiseZeros(initializer: JSONValue) throws {
    let net = try make(
      CoordinateWiseDeepLSTM.name, ["layers": twoLayers, "initializer": initializer])
    #expect(update(net, .random([10], seed: 2)).elements.allSatisfy { $0 == 0 })
  }

  @Test("a kernel net keeps the filters' shape")
  func kernelShape() throws {
    let net = try make(
      KernelDeepLSTM.name,
      ["layers": twoLayers, "kernel_shape": .array([.number(5), .number(5)])])
    #expect(update(net, .random([5, 5, 2, 2], seed: 3)).shape == [5, 5, 2, 2])
  }

  @Test("a kernel net with a zero output layer does not move", arguments: zeroInitializers)
  func kernelZeros(initializer: JSONValue) throws {
    let net = try make(
      KernelDeepLSTM.name,
      [
        "layers": twoLayers, "kernel_shape": .array([.number(5), .number(5)]),
        "initializer": initializer,
      ])
    let result = update(net, .random([5, 5, 2, 2], seed: 4))
    #expect(result.shape == [5, 5, 2, 2])
    #expect(result.elements.allSatisfy { $0 == 0 })
  }

  @Test("gradient descent has no weights and updates of -lr times the gradient, exactly")
  func sgd() {
    #expect(Sgd().weights.count == 0)
    #expect(update(Sgd(), .random([10, 5], seed: 5)).shape == [10, 5])
    let gradient = Tensor.random([10], seed: 6)
    #expect(
      update(Sgd(learningRate: 0.01), gradient).elements == gradient.elements.map { -0.01 * $0 })
  }

  @Test("Adam has no weights, keeps the shape, and stands still at learning rate 0")
  func adam() {
    #expect(Adam().weights.count == 0)
    #expect(update(Adam(), .random([10, 5], seed: 7)).shape == [10, 5])
    #expect(
      update(Adam(learningRate: 0), .random([10], seed: 8)).elements.allSatisfy { $0 == 0 })
  }
}
