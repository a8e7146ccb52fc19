package import LearnedOptimizers
internal import Safetensors
package import Settings
internal import Tensors

/// Reads an optimizer from another program's file.
package struct CheckpointReader: Sendable {
  /// The class and its options, where the file does not say them: `net`, and the class's own.
  package var given: [String: JSONValue]
  /// Facts that a file beside told, of the form of an optimizer's metadata.
  package var beside: [String: String]
  /// The classes that there are.
  package var catalog: [OptimizerEntry]

  /// A reader for files whose options are these.
  package init(
    given: [String: JSONValue] = [:], beside: [String: String] = [:],
    catalog: [OptimizerEntry] = OptimizerEntry.standard
  ) {
    self.given = given
    self.beside = beside
    self.catalog = catalog
  }

  /// What was read.
  package struct Result: Sendable {
    /// The optimizer.
    package var trained: TrainedOptimizer
    /// The file's format.
    package let format: CheckpointFormat
    /// What was assumed or left out, for the user to know.
    package let notes: [String]
  }

  /// The optimizer in a file's bytes.
  ///
  /// - Throws: `CheckpointError`, or `SafetensorsError` where the file is of that format.
  package func read(_ bytes: [UInt8]) throws -> Result {
    // Its first bytes are a length, which can look like the start of anything.
    if Self.isSafetensors(bytes) { return try safetensors(bytes) }
    switch bytes.first {
    case 0x80 where (0...5).contains(bytes.dropFirst().first ?? 0xFF),
      UInt8(ascii: "("), UInt8(ascii: "c"), UInt8(ascii: "}"):
      return try optimizer(in: try PickleMachine.read(bytes), .pickle)
    case let byte? where (0x80...0x8F).contains(byte) || byte == 0xDE || byte == 0xDF:
      return try optimizer(in: try MessagePackReader.read(bytes), .flax)
    default: throw CheckpointError.unknownFormat
    }
  }

  /// Whether a header begins where a safetensors file has it.
  private static func isSafetensors(_ bytes: [UInt8]) -> Bool {
    bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && bytes[5..<8].allSatisfy { $0 == 0 }
  }

  private func safetensors(_ bytes: [UInt8]) throws -> Result {
    let file = try SafetensorsFile(bytes: bytes)
    guard let layout = CheckpointLayout.pylo(of: file.names),
      file.metadata["net_options"] == nil
        || file.metadata["written_for"] == CheckpointFormat.pylo.rawValue
    else {
      try file.requireFinite()
      return Result(
        trained: try own(file), format: .l2l, notes: [])
    }
    var reader = self
    if file.metadata["net_options"] != nil, beside.isEmpty { reader.beside = file.metadata }
    let arrays = file.names.compactMap { name in file[name].map { (path: name, array: $0) } }
    return try reader.optimizer(layout, prefix: "", arrays, [], .pylo)
  }

  private func own(_ file: SafetensorsFile) throws(CheckpointError) -> TrainedOptimizer {
    do {
      var trained = try TrainedOptimizer(file: file, catalog: catalog)
      guard !given.isEmpty else { return trained }
      let options = trained.rule.options.merging(given.filter { $0.key != "net" }) { $1 }
      let net = given["net"]?.string ?? type(of: trained.rule).name
      let rule = try catalog.entry(named: net).make(options: options)
      trained = TrainedOptimizer(
        rule, weights: try rule.checked(trained.weights), metadata: trained.metadata)
      return trained
    } catch let error as OptimizerError {
      throw .optimizer(error)
    } catch {
      throw .unknownLayout(found: file.names)
    }
  }

  private func optimizer(
    in node: CheckpointNode, _ format: CheckpointFormat
  ) throws(CheckpointError) -> Result {
    let (arrays, others) = node.leaves
    let names = arrays.map(\.path)
    if format == .flax, let (layout, prefix) = CheckpointLayout.flax(of: names) {
      return try optimizer(layout, prefix: prefix, arrays, others, format)
    }
    if format == .pickle, let layout = CheckpointLayout.pickle(of: names) {
      return try optimizer(layout, prefix: "", arrays, others, format)
    }
    // Checkpoints of meta-training in Celo2's framework are pickles of flax's tree.
    if let (layout, prefix) = CheckpointLayout.flax(of: names) {
      return try optimizer(layout, prefix: prefix, arrays, others, format)
    }
    throw .unknownLayout(found: names)
  }

  private func optimizer(
    _ layout: CheckpointLayout, prefix: String, _ leaves: [(path: String, array: SafetensorsArray)],
    _ others: [String], _ format: CheckpointFormat
  ) throws(CheckpointError) -> Result {
    var arrays: [String: SafetensorsArray] = [:]
    for leaf in leaves { arrays[leaf.path] = leaf.array }
    var weights = try layout.weights(in: arrays, prefix: prefix)
    let net = given["net"]?.string ?? beside["net"] ?? layout.net
    var notes: [String] = []
    var options = layout.options
    // The weights alone say the sizes of layers, and what the rest can be.
    options.merge(Self.options(of: weights, net: net, layout: layout)) { $1 }
    var assumed = options.filter { $0.key != "layers" }
    if let text = beside["net_options"], let own = JSONValue(parsing: text)?.object {
      options.merge(own) { $1 }
      assumed = [:]
    }
    options.merge(given.filter { $0.key != "net" }) { $1 }
    for name in given.keys { assumed[name] = nil }
    if layout.fixed.isEmpty == false {
      if let kept = Self.decays(in: beside, layout) {
        weights = kept(weights)
      } else {
        notes.append("the decays are those that PyLO has by default: its files don't hold them")
      }
    }
    if !assumed.isEmpty {
      notes.append(
        "the file does not say \(JSONValue.object(assumed).text): these are the program's defaults;"
          + " change them by --net_option")
    }
    let used = Set(layout.places.flatMap(\.paths).map { prefix + $0 })
    let unused = leaves.map(\.path).filter { !used.contains($0) } + others
    if !unused.isEmpty {
      notes.append("left out what is no weight: \(unused.prefix(8).joined(separator: ", "))")
    }
    do throws(OptimizerError) {
      let rule = try catalog.entry(named: net).make(options: options)
      var metadata = beside
      metadata["written_for"] = nil
      metadata["converted_from"] = metadata["converted_from"] ?? format.words
      if !notes.isEmpty { metadata["assumed"] = notes.joined(separator: "; ") }
      let trained = TrainedOptimizer(
        rule, weights: try rule.checked(weights), metadata: metadata)
      return Result(trained: trained, format: format, notes: notes)
    } catch {
      throw .optimizer(error)
    }
  }

  /// Options that shapes of weights say, or that the program has by default.
  private static func options(
    of weights: NamedTensors, net: String, layout: CheckpointLayout
  ) -> [String: JSONValue] {
    func sizes(_ counts: [Int]) -> JSONValue { .array(counts.map { .number(Double($0)) }) }
    if weights["linear/w"] == nil {
      let prefix = net == "Celo" ? "mlp/b" : "b"
      let biases = (0..<8).compactMap { weights["\(prefix)\($0)"]?.count }
      return ["layers": sizes(biases.dropLast())]
    }
    let layers = (1...8).compactMap { weights["lstm_\($0)/b_gates"].map { $0.count / 4 } }
    var options = ["layers": sizes(layers)]
    let width = max(weights["linear/b"]?.count ?? 1, 1)
    if net.hasSuffix("DeepLSTM"), let gates = weights["lstm_1/w_gates"], let units = layers.first,
      gates.shape[0] - units == 2 * width
    {
      // What the reference program uses for neural networks.
      options["preprocess_name"] = .string("LogAndSign")
      options["preprocess_options"] = .object(["k": .number(5)])
      options["scale"] = .number(0.01)
    }
    return options
  }

  /// What replaces the decays that PyLO has by default by those that a file's metadata tell.
  private static func decays(
    in metadata: [String: String], _ layout: CheckpointLayout
  ) -> ((NamedTensors) -> NamedTensors)? {
    var told: [String: [Float]] = [:]
    for fixed in layout.fixed {
      let numbers = metadata[fixed.weight].flatMap { JSONValue(parsing: $0)?.array }?
        .compactMap(\.number)
      guard let numbers, numbers.count == fixed.values.count else { return nil }
      told[fixed.weight] = numbers.map { Float($0) }
    }
    return { weights in
      NamedTensors(
        names: weights.names,
        tensors: zip(weights.names, weights.tensors).map { name, tensor in
          told[name].map { Tensor($0) } ?? tensor
        })
    }
  }
}
