public import Safetensors
public import Tensors

/// A trained optimizer as it lies in a `.safetensors` file: the net, its weights, where it is from.
///
/// The file holds one float32 tensor a weight (`lstm_1/w_gates`, ...) and, as metadata, the class
/// (`net`), its options (`net_options`, JSON) and facts about the training.
public struct SavedOptimizer: Sendable {
  /// The optimizer with its trained weights.
  public var optimizer: any LearnedOptimizer
  /// Facts about the training, by name: key, problem, epoch, evaluation, seed, version, ...
  public var metadata: [String: String]

  /// An optimizer to be saved with facts about its training.
  public init(_ optimizer: any LearnedOptimizer, metadata: [String: String] = [:]) {
    self.optimizer = optimizer
    self.metadata = metadata
  }

  /// The optimizer saved in a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - standard: class and options to assume where the file's metadata name none. The sizes of
  ///     layers are then read off the weights.
  /// - Throws: `SafetensorsError` for a missing or malformed file, `OptimizerError` when weights
  ///   and options don't fit together.
  public init(
    contentsOf path: String, standard: (net: String, options: [String: JSONValue])? = nil
  ) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try self.init(file: file, standard: standard)
  }

  /// The optimizer in the contents of a file.
  public init(
    file: SafetensorsFile, standard: (net: String, options: [String: JSONValue])? = nil
  ) throws {
    let weights = try SavedOptimizer.weights(in: file)
    let net =
      file.metadata["net"] ?? standard?.net ?? CoordinateWiseDeepLSTM.name
    var options: [String: JSONValue]
    if let text = file.metadata["net_options"] {
      guard let object = JSONValue(parsing: text)?.object else {
        throw OptimizerError.invalidOption(
          net: net, option: "net_options", value: text, expected: "a JSON object")
      }
      options = object
    } else {
      options = standard?.options ?? [:]
    }
    let entry = try OptimizerCatalog.entry(named: net)
    if options["layers"] == nil || file.metadata["net_options"] == nil, weights["linear/w"] != nil,
      entry.options.contains("layers")
    {
      options["layers"] = .array(SavedOptimizer.layers(of: weights).map { .number(Double($0)) })
    }
    // Drawing initial weights takes no time beside reading a file; all are replaced below.
    var stream = RandomStream(seed: 0, purpose: .weights)
    let optimizer = try entry.make(options: options, stream: &stream)
    self.init(try optimizer.checkingWeights(weights), metadata: file.metadata)
  }

  /// Float32 tensors of a file; those under `weights/` alone where there are any.
  private static func weights(in file: SafetensorsFile) throws -> NamedTensors {
    let prefix = "weights/"
    let prefixed = file.names.contains { $0.hasPrefix(prefix) }
    var names: [String] = []
    var tensors: [Tensor] = []
    for name in file.names where !prefixed || name.hasPrefix(prefix) {
      guard let array = file[name] else { continue }
      guard Shape.isValid(array.shape) else {
        throw OptimizerError.invalidOption(
          net: "weights", option: name, value: "\(array.shape)",
          expected: "at most \(Shape.maximumRank) axes and \(Int32.max) elements")
      }
      names.append(prefixed ? String(name.dropFirst(prefix.count)) : name)
      tensors.append(Tensor(try array.floats(), shape: Shape(array.shape)))
    }
    return NamedTensors(names: names, tensors: tensors)
  }

  private static func layers(of weights: NamedTensors) -> [Int] {
    var layers: [Int] = []
    while let b = weights["lstm_\(layers.count + 1)/b_gates"], b.count >= 4,
      layers.count < NetOptions.maximumLayers
    {
      layers.append(b.count / 4)
    }
    return layers
  }

  /// The file's contents.
  public var file: SafetensorsFile {
    var metadata = self.metadata
    metadata["net"] = type(of: optimizer).name
    metadata["net_options"] = JSONValue.object(optimizer.options).text
    var file = SafetensorsFile(metadata: metadata)
    for (name, tensor) in zip(optimizer.weights.names, optimizer.weights.tensors) {
      file.append(
        SafetensorsArray(floats: tensor.elements, shape: tensor.shape.dimensions), named: name)
    }
    return file
  }

  /// Writes the file whole or not at all.
  ///
  /// - Throws: `SafetensorsError` when the file can't be written.
  public func write(to path: String) throws(SafetensorsError) { try file.write(to: path) }
}

extension LearnedOptimizer {
  /// This optimizer with weights from elsewhere, which must have the same names and shapes.
  ///
  /// - Throws: `OptimizerError.missingWeight`, `.wrongWeightShape`, `.unexpectedWeight`.
  public func checkingWeights(_ given: NamedTensors) throws(OptimizerError) -> Self {
    var tensors: [Tensor] = []
    for (name, weight) in zip(weights.names, weights.tensors) {
      guard let tensor = given[name] else {
        throw .missingWeight(name: name, found: given.names)
      }
      guard tensor.shape == weight.shape else {
        throw .wrongWeightShape(name: name, found: tensor.shape, expected: weight.shape)
      }
      tensors.append(tensor)
    }
    if let name = given.names.first(where: { !weights.names.contains($0) }) {
      throw .unexpectedWeight(name: name, expected: weights.names)
    }
    return withWeights(NamedTensors(names: weights.names, tensors: tensors))
  }
}
