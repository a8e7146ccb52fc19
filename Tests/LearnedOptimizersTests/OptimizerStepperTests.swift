import LearnedOptimizers
import Tensors
import TestSupport
import Testing

@Suite("OptimizerStepper")
struct OptimizerStepperTests {
  @Test("it adds the optimizer's updates to the parameters")
  func steps() throws {
    let net = coordinateWise([4, 3], .logAndSign(k: 5), scale: 0.1)
    let stepper = try OptimizerStepper(net.trained, parameterCount: 5)
    let engine = net.loaded(RowEngine(net.rule))
    var state = engine.initialState([5])
    var parameters: [Float] = [1, 2, 3, 4, 5]
    for step in 0..<4 {
      let gradient = parameters.map { 2 * $0 - Float(step) }
      let update = engine.step(Tensor(gradient), state: &state).elements
      let before = parameters
      #expect(stepper.stepCount == step)
      try stepper.step(&parameters, gradient: gradient)
      for index in 0..<5 {
        // Two engines in float32: 1e-6 of updates near 0.1, and a rounding at 5.
        #expect(abs(parameters[index] - before[index] - update[index]) < 1e-6)
      }
    }
    #expect(stepper.stepCount == 4)
  }

  @Test("gradient descent reaches the minimum")
  func descends() throws {
    let stepper = try OptimizerStepper(
      TrainedOptimizer(Sgd(learningRate: 0.25)), parameterCount: 2)
    var parameters: [Float] = [3, -4]
    for _ in 0..<60 { try stepper.step(&parameters, gradient: parameters.map { 2 * $0 }) }
    #expect(parameters.allSatisfy { abs($0) < 1e-6 })
  }

  @Test("after a reset it starts anew")
  func resets() throws {
    let stepper = try OptimizerStepper(coordinateWise([5]).trained, parameterCount: 3)
    func run() throws -> [Float] {
      var parameters: [Float] = [1, 0, -1]
      for _ in 0..<3 { try stepper.step(&parameters, gradient: [0.5, -2, 1]) }
      return parameters
    }
    let first = try run()
    #expect(try run() != first)
    stepper.reset()
    #expect(stepper.stepCount == 0)
    #expect(try run() == first)
  }

  @Test("lists of a wrong length are an error and change nothing")
  func wrongCounts() throws {
    let stepper = try OptimizerStepper(TrainedOptimizer(Adam()), parameterCount: 3)
    var parameters: [Float] = [1, 2, 3]
    #expect(throws: OptimizerError.wrongGradientCount(found: 2, expected: 3)) {
      try stepper.step(&parameters, gradient: [1, 2])
    }
    var short: [Float] = [1]
    #expect(throws: OptimizerError.wrongGradientCount(found: 1, expected: 3)) {
      try stepper.step(&short, gradient: [1, 2, 3])
    }
    #expect(parameters == [1, 2, 3])
    #expect(short == [1])
    #expect(stepper.stepCount == 0)
  }

  @Test(
    "a gradient that is not finite is an error, as if the step had not been tried",
    arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(value: Float) throws {
    let net = coordinateWise([4])
    let stepper = try OptimizerStepper(net.trained, parameterCount: 2)
    let undisturbed = try OptimizerStepper(net.trained, parameterCount: 2)
    var parameters: [Float] = [1, 2]
    var expected = parameters
    try stepper.step(&parameters, gradient: [1, -1])
    try undisturbed.step(&expected, gradient: [1, -1])
    #expect(throws: OptimizerError.notFinite(step: 1)) {
      try stepper.step(&parameters, gradient: [1, value])
    }
    #expect(parameters == expected)
    #expect(stepper.stepCount == 1)
    try stepper.step(&parameters, gradient: [2, 3])
    try undisturbed.step(&expected, gradient: [2, 3])
    #expect(parameters == expected)
  }

  @Test("an update that overflows is an error and changes nothing")
  func overflow() throws {
    let stepper = try OptimizerStepper(
      TrainedOptimizer(Sgd(learningRate: 1e30)), parameterCount: 2)
    var parameters: [Float] = [1, 2]
    #expect(throws: OptimizerError.notFinite(step: 0)) {
      try stepper.step(&parameters, gradient: [1, 1e30])
    }
    #expect(parameters == [1, 2])
  }

  @Test("no parameters can be stepped too")
  func empty() throws {
    let stepper = try OptimizerStepper(coordinateWise([3]).trained, parameterCount: 0)
    var parameters: [Float] = []
    try stepper.step(&parameters, gradient: [])
    #expect(stepper.stepCount == 1)
  }

  @Test("a tensor that the rule can't step is an error that says what it needs")
  func unfitShape() {
    let net = TrainedOptimizer(StandardDeepLSTM(outputSize: 3, layers: []))
    let error = OptimizerError.unfitShape(
      net: StandardDeepLSTM.name, shape: [4], expected: "a last axis of 3")
    #expect(throws: error) { try OptimizerStepper(net, parameterCount: 4) }
    #expect(throws: error) { try OptimizerStepper(net, shapes: [[5, 3], [4]]) }
  }
}
