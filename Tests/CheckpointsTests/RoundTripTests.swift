import Checkpoints
import LearnedOptimizers
import Safetensors
import Settings
import Tensors
import Testing

@Suite("Conversions there and back")
struct RoundTripTests {
  private static let cases:
    [(net: String, options: [String: JSONValue], formats: [CheckpointFormat])] = [
      ("Celo2", ["learning_rate": .number(0.25)], [.flax, .pylo]),
      ("Celo2Base", ["weight_decay": .number(0.5)], [.flax, .pylo]),
      ("AdafacMLPLOpt", ["step_mult": .number(0.125)], [.flax, .pylo]),
      ("MLPLOpt", [:], [.flax]), ("Celo", [:], [.flax]),
      ("CoordinateWiseDeepLSTM", ["scale": .number(0.5)], [.pickle]),
      ("StandardDeepLSTM", ["output_size": .number(3)], [.pickle]),
      ("KernelDeepLSTM", ["kernel_shape": .array([.number(2), .number(2)])], [.pickle]),
      ("RNNprop", [:], [.pickle]),
    ]

  private static func trained(_ net: String, _ options: [String: JSONValue]) throws
    -> TrainedOptimizer
  {
    let rule = try OptimizerEntry.standard.entry(named: net).make(options: options)
    var stream = RandomStream(seed: 2, purpose: .test)
    let weights = rule.initialWeights(&stream)
    return TrainedOptimizer(
      rule,
      weights: NamedTensors(
        names: weights.names,
        // Biases and offsets that are not all 0.
        tensors: weights.tensors.map { $0 + stream.normal($0.shape, standardDeviation: 0.01) }),
      metadata: ["license": "MIT", "problem": "mnist", "seed": "7"])
  }

  @Test("every class comes back from every format that has it, with options and metadata")
  func roundTrips() throws {
    for (net, options, formats) in Self.cases {
      let trained = try Self.trained(net, options)
      for format in formats {
        let file = try ConvertedFile(trained, as: format)
        #expect((file.beside == nil) == (format == .pylo))
        let beside = file.beside.flatMap { ConvertedFile.facts(in: $0) } ?? [:]
        let back = try CheckpointReader(beside: beside).read(file.bytes)
        #expect(back.format == format, "\(net)")
        #expect(type(of: back.trained.rule).name == net)
        #expect(back.trained.rule.options == trained.rule.options, "\(net), \(format)")
        #expect(back.trained.weights.names == trained.weights.names)
        for (a, b) in zip(back.trained.weights.tensors, trained.weights.tensors) {
          #expect(a.shape == b.shape && a.elements == b.elements, "\(net), \(format)")
        }
        #expect(back.trained.metadata["license"] == "MIT")
        #expect(back.trained.metadata["problem"] == "mnist")
        // And from there into l2l's own.
        let own = try ConvertedFile(back.trained, as: .l2l)
        let again = try CheckpointReader().read(own.bytes)
        #expect(again.format == .l2l && again.trained.metadata["seed"] == "7")
        #expect(again.trained.weights.flattened.elements == trained.weights.flattened.elements)
      }
    }
  }

  @Test("a class that a format has no form for is an error")
  func notWritable() throws {
    for (net, options, formats) in Self.cases {
      let trained = try Self.trained(net, options)
      for format in CheckpointFormat.allCases where format != .l2l && !formats.contains(format) {
        #expect(throws: CheckpointError.notWritable(net: net, format: format)) {
          try ConvertedFile(trained, as: format)
        }
      }
    }
  }

  @Test("files are of the format that their names end with")
  func names() {
    #expect(CheckpointFormat(ofFileNamed: "a/theta.state") == .flax)
    #expect(CheckpointFormat(ofFileNamed: "a.state/cw.safetensors") == .l2l)
    #expect(CheckpointFormat(ofFileNamed: "cw.PKL") == .pickle)
    #expect(CheckpointFormat(ofFileNamed: "cw") == .l2l)
  }
}
