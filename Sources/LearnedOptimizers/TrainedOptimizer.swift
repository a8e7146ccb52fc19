public import Safetensors
public import Settings
public import Tensors

/// A rule with its trained weights and where they are from, as it lies in a `.safetensors` file.
///
/// The file holds one float32 tensor a weight (`lstm_1/w_gates`, ...) and, as metadata, the class
/// (`net`), its options (`net_options`, JSON) and facts about the training.
///
///     let trained = try TrainedOptimizer(contentsOf: "mnist/cw.safetensors")
///     let stepper = try OptimizerStepper(trained, shapes: [[784, 20], [20]])
public struct TrainedOptimizer: Sendable {
  /// The rule.
  public var rule: any LearnedOptimizer
  /// Its weights, in the rule's order.
  public var weights: NamedTensors
  /// Facts about the training, by name: key, problem, epoch, evaluation, seed, version, ...
  public var metadata: [String: String]

  /// A rule with weights, and facts about its training.
  public init(
    _ rule: any LearnedOptimizer, weights: NamedTensors = NamedTensors(),
    metadata: [String: String] = [:]
  ) {
    self.rule = rule
    self.weights = weights
    self.metadata = metadata
  }

  /// The optimizer saved in a file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - catalog: the classes that a file may name.
  ///   - standard: class and options to assume where the file's metadata name none. The sizes of
  ///     layers are then read off the weights.
  /// - Throws: `SafetensorsError` for a missing or malformed file, or one with a number that is not
  ///   finite, `OptimizerError` when weights
  ///   and options don't fit together.
  public init(
    contentsOf path: String, catalog: [OptimizerEntry] = OptimizerEntry.standard,
    standard: (net: String, options: [String: JSONValue])? = nil
  ) throws {
    let file = try SafetensorsFile(contentsOf: path)
    try file.requireFinite(in: path)
    try self.init(file: file, catalog: catalog, standard: standard)
  }

  /// The optimizer in the contents of a file.
  public init(
    file: SafetensorsFile, catalog: [OptimizerEntry] = OptimizerEntry.standard,
    standard: (net: String, options: [String: JSONValue])? = nil
  ) throws {
    // Files of other programs have none.
    if file.metadata["net"] != nil, let version = file.metadata["format_version"], version != "1" {
      throw OptimizerError.unknownFormat(version: version)
    }
    let weights = try Self.weights(in: file)
    let net = file.metadata["net"] ?? standard?.net ?? CoordinateWiseDeepLSTM.name
    var options: [String: JSONValue]
    if let text = file.metadata["net_options"] {
      guard let object = JSONValue(parsing: text)?.object else {
        throw OptimizerError.option(
          SettingError(
            "net_options", in: .net(net), .invalid(value: text, expected: "a JSON object")))
      }
      options = object
    } else {
      options = standard?.options ?? [:]
    }
    let entry = try catalog.entry(named: net)
    if options["layers"] == nil || file.metadata["net_options"] == nil, weights["linear/w"] != nil,
      entry.setting(named: "layers") != nil
    {
      options["layers"] = .array(Self.layers(of: weights).map { .number(Double($0)) })
    }
    let rule = try entry.make(options: options)
    self.init(rule, weights: try rule.checked(weights), metadata: file.metadata)
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
        throw OptimizerError.unfitTensor(name: name, dimensions: array.shape)
      }
      names.append(prefixed ? String(name.dropFirst(prefix.count)) : name)
      tensors.append(Tensor(try array.floats(), shape: Shape(array.shape)))
    }
    return NamedTensors(names: names, tensors: tensors)
  }

  private static let maximumLayers = 8

  private static func layers(of weights: NamedTensors) -> [Int] {
    var layers: [Int] = []
    while let b = weights["lstm_\(layers.count + 1)/b_gates"], b.count >= 4,
      layers.count < maximumLayers
    {
      layers.append(b.count / 4)
    }
    return layers
  }

  /// The file's contents.
  public var file: SafetensorsFile {
    var metadata = self.metadata
    metadata["net"] = type(of: rule).name
    metadata["net_options"] = JSONValue.object(rule.options).text
    var file = SafetensorsFile(metadata: metadata)
    for (name, tensor) in zip(weights.names, weights.tensors) {
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
