import Foundation
import LearnedOptimizers
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing

/// Forward steps of the reference program, through both engines.
///
/// Tolerance 1e-5 of the norm: float32 operations in another order leave some 3e-7.
@Suite("Numbers of the reference program")
struct GoldenTests {
  /// Steps through the rows of `inputs` [T, rows...] and compares every update and state.
  private func check(
    _ engine: any OptimizerEngine, _ golden: Golden,
    states: [String]
  ) throws {
    let inputs = try golden("inputs")
    let outputs = try golden("outputs")
    let shape = Shape(Array(inputs.shape.dimensions.dropFirst()))
    var state = engine.initialState(shape)
    for step in 0..<inputs.shape[0] {
      func at(_ tensor: Tensor) -> Tensor { tensor.slice(axis: 0, from: step, count: 1) }
      let update = engine.step(at(inputs).reshaped(to: shape), state: &state)
      #expect(relativeError(update.elements, at(outputs).elements) < 1e-5, "step \(step)")
      for (mine, name) in zip(engine.export(state), states) {
        let expected = at(try golden(name)).elements
        #expect(relativeError(mine.elements, expected) < 1e-5, "\(name), step \(step)")
      }
    }
  }

  @Test("an LSTM of two layers with LogAndSign", arguments: [false, true])
  func lstm(fused: Bool) throws {
    let golden = try Golden("cw_lstm_logsign", in: .module)
    var optimizer = coordinateWise([20, 20], .logAndSign(k: 5), scale: 0.01)
    optimizer.weights.tensors = try optimizer.weights.names.map { try golden("weights/\($0)") }
    let engine: any OptimizerEngine =
      fused ? FusedEngine(optimizer.rule) : RowEngine(optimizer.rule)
    engine.load(optimizer.weights)
    try check(engine, golden, states: (0..<4).map { "state/\($0)" })
  }

  @Test("the linear output alone with LogAndSign", arguments: [false, true])
  func linear(fused: Bool) throws {
    let golden = try Golden("cw_linear", in: .module)
    var optimizer = coordinateWise([], .logAndSign(k: 5))
    optimizer.weights.tensors = try optimizer.weights.names.map { try golden("weights/\($0)") }
    let engine: any OptimizerEngine =
      fused ? FusedEngine(optimizer.rule) : RowEngine(optimizer.rule)
    engine.load(optimizer.weights)
    try check(engine, golden, states: [])
  }

  @Test("Adam, with its moments")
  func adam() throws {
    let optimizer = Adam(learningRate: 0.1)
    try check(
      optimizer.makeEngine(), try Golden("adam_net", in: .module),
      states: ["state/1", "state/2"])
  }

  @Test("gradient descent")
  func sgd() throws {
    let optimizer = Sgd(learningRate: 0.1)
    try check(optimizer.makeEngine(), try Golden("sgd_net", in: .module), states: [])
  }

  @Test("a file of weights with options given beside it is a trained optimizer")
  func asTrainedOptimizer() throws {
    let golden = try Golden("cw_lstm_logsign", in: .module)
    let trained = try TrainedOptimizer(
      file: golden.file,
      standard: (
        CoordinateWiseDeepLSTM.name,
        [
          "preprocess_name": .string("LogAndSign"),
          "preprocess_options": .object(["k": .number(5)]), "scale": .number(0.01),
        ]
      ))
    let engine = trained.rule.makeEngine()
    engine.load(trained.weights)
    try check(engine, golden, states: [])
  }
}
