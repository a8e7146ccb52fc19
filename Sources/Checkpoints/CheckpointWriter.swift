package import LearnedOptimizers
internal import Safetensors
internal import Settings
internal import Tensors

/// An optimizer in the form of another program.
package struct ConvertedFile: Sendable {
  /// The file.
  package let bytes: [UInt8]
  /// What the file has no room for, as a JSON object to be written beside it; nil when there is room.
  package let beside: String?

  /// The name of the file beside another.
  package static func pathBeside(_ path: String) -> String { "\(path).json" }

  /// The facts in a file beside; nil when it is not one.
  package static func facts(in text: String) -> [String: String]? {
    guard let object = JSONValue(parsing: text)?.object, object["net"]?.string != nil else {
      return nil
    }
    let facts = object.compactMapValues(\.string)
    return facts.count == object.count ? facts : nil
  }

  /// The optimizer in a format.
  ///
  /// - Throws: `CheckpointError.notWritable`, `SafetensorsError`.
  package init(_ trained: TrainedOptimizer, as format: CheckpointFormat) throws {
    let net = type(of: trained.rule).name
    let unfit = CheckpointError.notWritable(net: net, format: format)
    switch format {
    case .l2l:
      bytes = try trained.file.serialized()
      beside = nil
    case .flax:
      guard let layout = CheckpointLayout.flax(net: net, layers: trained.perceptronLayers) else {
        throw unfit
      }
      bytes = MessagePackWriter.bytes(layout.node(of: trained.weights))
      beside = trained.facts
    case .pickle:
      guard let layout = CheckpointLayout.pickle(net: net, layers: trained.lstmLayers) else {
        throw unfit
      }
      bytes = PickleWriter.bytes(layout.node(of: trained.weights))
      beside = trained.facts
    case .pylo:
      guard let layout = CheckpointLayout.pylo(net: net, layers: trained.perceptronLayers),
        case .map(let members) = layout.node(of: trained.weights)
      else { throw unfit }
      var metadata = trained.file.metadata
      metadata["written_for"] = format.rawValue
      // What safetensors' readers for PyTorch look for.
      metadata["format"] = "pt"
      for fixed in layout.fixed {
        metadata[fixed.weight] = trained.weights[fixed.weight].map { tensor in
          JSONValue.array(tensor.elements.map { .number(Double($0)) }).text
        }
      }
      var file = SafetensorsFile(metadata: metadata)
      for case (let name, .array(let array)) in members { file.append(array, named: name) }
      bytes = try file.serialized()
      beside = nil
    }
  }
}

extension TrainedOptimizer {
  /// Class, options and metadata as a JSON object.
  fileprivate var facts: String {
    JSONValue.object(file.metadata.mapValues { .string($0) }).text + "\n"
  }

  /// The layers of a perceptron.
  fileprivate var perceptronLayers: Int {
    (0..<8).prefix { weights["b\($0)"] != nil || weights["mlp/b\($0)"] != nil }.count
  }

  /// The layers of an LSTM.
  fileprivate var lstmLayers: Int {
    (0..<8).prefix { weights["lstm_\($0 + 1)/b_gates"] != nil }.count
  }
}
