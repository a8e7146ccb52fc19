internal import Safetensors
internal import Tensors

extension LearnedOptimizer {
  /// A stepper's state as a file: `state/<k>`, in the order and shapes of `initialState(of:)`, and
  /// `step`.
  func stateFile(_ tensors: [Tensor], step: Int) -> SafetensorsFile {
    var file = SafetensorsFile(metadata: ["kind": "l2l stepper state", "net": Self.name])
    for (index, tensor) in tensors.enumerated() {
      file.append(
        SafetensorsArray(floats: tensor.elements, shape: tensor.shape.dimensions),
        named: "state/\(index)")
    }
    file.append(SafetensorsArray(int64s: [Int64(step)], shape: [1]), named: "step")
    return file
  }

  /// The inverse of `stateFile` for tensors of these shapes.
  ///
  /// - Throws: `OptimizerError.unfitState`.
  func stateTensors(
    in file: SafetensorsFile, of shapes: [Shape]
  ) throws(OptimizerError) -> (tensors: [Tensor], step: Int) {
    let expected = initialState(of: shapes).map(\.shape)
    var tensors: [Tensor] = []
    for (index, shape) in expected.enumerated() {
      guard let array = file["state/\(index)"], array.shape == shape.dimensions,
        let floats = try? array.floats()
      else { throw .unfitState(reason: "'state/\(index)' of shape \(shape) is missing") }
      let tensor = Tensor(floats, shape: shape)
      guard tensor.isFinite else {
        throw .unfitState(reason: "'state/\(index)' holds NaN or infinity")
      }
      tensors.append(tensor)
    }
    guard file.metadata["net"] == Self.name, file.names.count == expected.count + 1,
      let steps = try? file["step"]?.int64s(), steps.count == 1,
      (0..<1 << 40).contains(steps[0])
    else { throw .unfitState(reason: "it is not a state of \(Self.name)") }
    return (tensors, Int(steps[0]))
  }
}
