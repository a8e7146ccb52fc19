import CL2L
import LearnedOptimizers
import LearnedOptimizersC
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing

/// Values that are the same everywhere.
private func values(_ count: Int, seed: Int) -> [Float] {
  (0..<count).map { Float(($0 * 37 + seed * 11) % 64 - 31) / 64 }
}

/// The rule with random weights.
private func trained(_ entry: OptimizerEntry) throws -> TrainedOptimizer {
  let rule = try entry.make(
    options: entry.name == "StandardDeepLSTM"
      ? ["output_size": .number(3)]
      : entry.name == "KernelDeepLSTM"
        ? ["kernel_shape": .array([.number(2), .number(3)])] : [:])
  var stream = RandomStream(seed: 3, purpose: .test)
  return TrainedOptimizer(rule, weights: rule.initialWeights(&stream))
}

private func shapes(for rule: any LearnedOptimizer) -> [Shape] {
  let all: [Shape] = [[5, 3], [3], [], [4, 2, 2, 3], [33, 3], [2, 3, 4, 4]]
  return all.filter { rule.requirement(unmetBy: $0) == nil }
}

@Suite("The C library's calls")
struct CallTests {
  @Test(
    "every class steps to the bits of OptimizerStepper, tensors apart and together, and saves its state",
    arguments: OptimizerEntry.standard.map(\.name))
  func bits(name: String) throws {
    let trained = try trained(OptimizerEntry.standard.entry(named: name))
    let shapes = shapes(for: trained.rule)
    let stepper = try OptimizerStepper(trained, shapes: shapes, plannedSteps: 50)
    let optimizer = try Handle(trained)
    let apart = try State(optimizer, shapes: shapes, plannedSteps: 50)
    let together = try State(optimizer, shapes: shapes, plannedSteps: 50)
    var expected = values(stepper.parameterCount, seed: 0)
    var split = expected
    var whole = expected
    for step in 0..<9 {
      let gradient = values(expected.count, seed: step + 1)
      let loss = 2 - Float(step) / 8
      try stepper.step(&expected, gradient: gradient, loss: loss)
      #expect(apart.step(&split, gradient, loss, gap: 5) == L2L_OK)
      #expect(together.step(&whole, gradient, loss, gap: 0) == L2L_OK)
      #expect(split.map(\.bitPattern) == expected.map(\.bitPattern), "step \(step)")
      #expect(whole.map(\.bitPattern) == expected.map(\.bitPattern), "step \(step)")
      if step == 4 {
        let saved = try apart.saved()
        #expect(try saved == stepper.savedState.serialized())
        #expect(l2l_state_reset(together.pointer) == L2L_OK)
        #expect(l2l_state_step_count(together.pointer) == 0)
        #expect(l2l_state_restore(together.pointer, saved, saved.count) == L2L_OK)
      }
    }
    #expect(l2l_state_step_count(apart.pointer) == 9)
    #expect(try apart.saved() == together.saved())
  }

  @Test(
    "a learning rate that is set counts from the next step on, as that of an optimizer made with it"
  )
  func learningRate() throws {
    func run(_ make: String, thenSet rate: Double?) throws -> [Float] {
      var pointer: OpaquePointer?
      #expect(l2l_optimizer_make("Adam", make, &pointer) == L2L_OK)
      let state = try State(Handle(pointer: pointer), shapes: [[4]])
      if let rate { #expect(l2l_state_set_option(state.pointer, "learning_rate", rate) == L2L_OK) }
      var parameters = values(4, seed: 0)
      for step in 1...3 { #expect(state.step(&parameters, values(4, seed: step), nil) == L2L_OK) }
      return parameters
    }
    let expected = try run("{\"learning_rate\":0.125}", thenSet: nil)
    #expect(try run("{}", thenSet: 0.125) == expected)
    #expect(try run("{}", thenSet: nil) != expected)
  }

  @Test(
    "options that there are not, or that would change the weights, are errors that name the others")
  func options() throws {
    let optimizer = try Handle(trained(OptimizerEntry.standard.entry(named: "StandardDeepLSTM")))
    let state = try State(optimizer, shapes: [[5, 3]])
    #expect(l2l_state_set_option(state.pointer, "learning_rate", 1) == L2L_ERROR_OPTION)
    #expect(errorText.contains("scale"))
    #expect(l2l_state_set_option(state.pointer, "output_size", 4) == L2L_ERROR_OPTION)
    #expect(l2l_state_set_option(state.pointer, "scale", .nan) == L2L_ERROR_OPTION)
    #expect(l2l_state_set_option(state.pointer, "scale", 0.5) == L2L_OK)
  }

  @Test("a gradient that is not finite, and a loss that is missing, change nothing")
  func notFinite() throws {
    let optimizer = try Handle(trained(OptimizerEntry.standard.entry(named: "Celo")))
    let state = try State(optimizer, shapes: [[2, 2]])
    var parameters = values(4, seed: 0)
    let before = try state.saved()
    #expect(state.step(&parameters, [0, .nan, 0, 0], 1) == L2L_ERROR_NOT_FINITE)
    #expect(state.step(&parameters, [0, 1, 0, 0], nil) == L2L_ERROR_NOT_FINITE)
    #expect(parameters == values(4, seed: 0))
    #expect(try state.saved() == before)
  }

  @Test("weights that are NaN, or of another net, are a malformed file")
  func weights() throws {
    var optimizer = try trained(OptimizerEntry.standard.entry(named: "Celo2"))
    let good = optimizer
    optimizer.weights.tensors[1] = Tensor(
      repeating: .nan, shape: optimizer.weights.tensors[1].shape)
    var pointer: OpaquePointer?
    let bytes = try optimizer.file.serialized()
    #expect(l2l_optimizer_read(bytes, bytes.count, &pointer) == L2L_ERROR_FORMAT)
    #expect(errorText.contains("b0"))
    var file = good.file
    file.metadata["net"] = "MLPLOpt"
    let other = try file.serialized()
    #expect(l2l_optimizer_read(other, other.count, &pointer) == L2L_ERROR_FORMAT)
    #expect(pointer == nil)
  }

  @Test("one of several optimizers of a folder is loaded by its name")
  func folder() throws {
    let folder = try TemporaryFolder()
    let optimizer = try trained(OptimizerEntry.standard.entry(named: "Celo2"))
    var pointer: OpaquePointer?
    #expect(l2l_optimizer_load(folder.path, nil, &pointer) == L2L_ERROR_FILE)
    try optimizer.write(to: folder.file("conv.safetensors"))
    // Anything but an optimizer does not count.
    _ = try folder.write([1], named: "latest.training-state.safetensors")
    #expect(l2l_optimizer_load(folder.path, nil, &pointer) == L2L_OK)
    l2l_optimizer_free(pointer)
    try optimizer.write(to: folder.file("fc.safetensors"))
    #expect(l2l_optimizer_load(folder.path, nil, &pointer) == L2L_ERROR_NAME)
    #expect(errorText.contains("conv, fc"))
    #expect(l2l_optimizer_load(folder.path, "../fc", &pointer) == L2L_ERROR_NAME)
    #expect(l2l_optimizer_load(folder.path, "fc", &pointer) == L2L_OK)
    let description = String(cString: l2l_optimizer_description(pointer))
    #expect(description.contains("\"net\":\"Celo2\"") && description.contains("\"weights\":347"))
    #expect(l2l_optimizer_weight_count(pointer) == 347)
    l2l_optimizer_free(pointer)
  }

  @Test("a parameter that ends as NaN is told after the step")
  func diverged() throws {
    var pointer: OpaquePointer?
    #expect(l2l_optimizer_make("Sgd", nil, &pointer) == L2L_OK)
    let state = try State(Handle(pointer: pointer), shapes: [[2]])
    var parameters: [Float] = [.greatestFiniteMagnitude, 1]
    #expect(l2l_state_set_option(state.pointer, "learning_rate", 1e5) == L2L_OK)
    #expect(
      state.step(&parameters, [-.greatestFiniteMagnitude, 0], nil) == L2L_ERROR_DIVERGED)
  }
}

private var errorText: String { String(cString: l2l_error_text()) }

/// An `l2l_optimizer` that is freed.
private final class Handle {
  let pointer: OpaquePointer?

  init(pointer: OpaquePointer?) { self.pointer = pointer }

  init(_ trained: TrainedOptimizer) throws {
    var pointer: OpaquePointer?
    let bytes = try trained.file.serialized()
    try #require(l2l_optimizer_read(bytes, bytes.count, &pointer) == L2L_OK)
    self.pointer = pointer
  }

  deinit { l2l_optimizer_free(pointer) }
}

/// An `l2l_state` that is freed.
private final class State {
  let pointer: OpaquePointer?
  private let shapes: [Shape]

  init(_ optimizer: Handle, shapes: [Shape], plannedSteps: Int64 = 0) throws {
    let ranks = shapes.map { Int32($0.rank) }
    let extents = shapes.flatMap { $0.dimensions.map { Int64($0) } }
    var pointer: OpaquePointer?
    try #require(
      l2l_state_make(optimizer.pointer, shapes.count, ranks, extents, plannedSteps, &pointer)
        == L2L_OK)
    self.pointer = pointer
    self.shapes = shapes
  }

  deinit { l2l_state_free(pointer) }

  /// One step of tensors that lie in memory with `gap` floats between them.
  func step(_ parameters: inout [Float], _ gradient: [Float], _ loss: Float?, gap: Int = 0) -> Int {
    var starts: [Int] = []
    var spread: [Float] = []
    var slopes: [Float] = []
    var start = 0
    for shape in shapes {
      starts.append(spread.count)
      spread += parameters[start..<start + shape.count] + [Float](repeating: 7, count: gap)
      slopes += gradient[start..<start + shape.count] + [Float](repeating: 7, count: gap)
      start += shape.count
    }
    let status = spread.withUnsafeMutableBufferPointer { spread in
      slopes.withUnsafeBufferPointer { slopes in
        var targets = starts.map { start in spread.baseAddress.map { $0 + start } }
        var sources = starts.map { start in slopes.baseAddress.map { $0 + start } }
        guard var loss else { return l2l_state_step(pointer, &targets, &sources, nil) }
        return l2l_state_step(pointer, &targets, &sources, &loss)
      }
    }
    parameters = zip(shapes, starts).flatMap { shape, start in spread[start..<start + shape.count] }
    return Int(status)
  }

  func saved() throws -> [UInt8] {
    var size = 0
    try #require(l2l_state_saved_size(pointer, &size) == L2L_OK)
    var bytes = [UInt8](repeating: 0, count: size)
    try #require(l2l_state_save(pointer, &bytes, size, &size) == L2L_OK)
    return bytes
  }
}
