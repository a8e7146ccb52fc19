import LearnedOptimizers
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing

@Suite("TrainedOptimizer")
struct TrainedOptimizerTests {
  private let optimizer = coordinateWise([3, 2], .logAndSign(k: 7), scale: 0.25)

  /// The file of `optimizer` with some tensors replaced, or left out where nil.
  private func file(
    _ changes: [String: SafetensorsArray?] = [:], metadata: [String: String]? = nil
  ) -> SafetensorsFile {
    let saved = optimizer.trained.file
    var file = SafetensorsFile(metadata: metadata ?? saved.metadata)
    for name in saved.names {
      if let array = changes[name] ?? saved[name] { file.append(array, named: name) }
    }
    for (name, array) in changes where saved[name] == nil {
      if let array { file.append(array, named: name) }
    }
    return file
  }

  @Test("facts about the training come back with the optimizer, through a file")
  func metadata() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("cw.safetensors")
    let facts = ["problem": "mnist", "epoch": "20", "note": "a \"quoted\" line\nand another"]
    try TrainedOptimizer(optimizer.rule, weights: optimizer.weights, metadata: facts)
      .write(to: path)
    let loaded = try TrainedOptimizer(contentsOf: path)
    for (key, value) in facts { #expect(loaded.metadata[key] == value) }
    #expect(loaded.metadata["net"] == "CoordinateWiseDeepLSTM")
    let net = try #require(loaded.rule as? CoordinateWiseDeepLSTM).net
    #expect(net.layers == [3, 2])
    #expect(net.preprocess == .logAndSign(k: 7))
    #expect(net.scale == 0.25)
    #expect(
      haveSameBits(loaded.weights.flattened.elements, optimizer.weights.flattened.elements))
  }

  @Test("tensors carry the names and shapes that other programs rely on")
  func layout() {
    let file = optimizer.trained.file
    #expect(
      file.names == [
        "lstm_1/w_gates", "lstm_1/b_gates", "lstm_2/w_gates", "lstm_2/b_gates", "linear/w",
        "linear/b",
      ])
    #expect(
      file.names.compactMap { file[$0]?.shape } == [[5, 12], [12], [5, 8], [8], [2, 1], [1]])
    #expect(file.names.allSatisfy { file[$0]?.type == .float32 })
  }

  @Test("without metadata the layers are read off the weights")
  func withoutMetadata() throws {
    let standard: [String: JSONValue] = [
      "layers": .array([.number(20), .number(20)]), "scale": .number(0.25),
      "preprocess_name": .string("LogAndSign"), "preprocess_options": .object(["k": .number(7)]),
    ]
    let saved = try TrainedOptimizer(
      file: file(metadata: [:]), standard: (CoordinateWiseDeepLSTM.name, standard))
    #expect(saved.rule.options == optimizer.rule.options)
    let linear = coordinateWise([]).trained.file
    var bare = SafetensorsFile()
    for name in linear.names { if let array = linear[name] { bare.append(array, named: name) } }
    let net = try #require(try TrainedOptimizer(file: bare).rule as? CoordinateWiseDeepLSTM).net
    #expect(net.layers == [])
    #expect(net.preprocess == .identity)
  }

  @Test("tensors under weights/ are taken alone where there are any")
  func prefix() throws {
    let source = file()
    var prefixed = SafetensorsFile(metadata: source.metadata)
    prefixed.append(SafetensorsArray(floats: [1], shape: [1]), named: "inputs")
    for name in source.names {
      if let array = source[name] { prefixed.append(array, named: "weights/\(name)") }
    }
    let saved = try TrainedOptimizer(file: prefixed)
    #expect(
      saved.weights.flattened.elements == optimizer.weights.flattened.elements)
  }

  @Test("weights in half precision or double precision are converted")
  func otherTypes() throws {
    let saved = try TrainedOptimizer(
      file: file(["linear/b": SafetensorsArray(doubles: [0.5], shape: [1])]))
    #expect(saved.weights["linear/b"]?.elements == [0.5])
  }

  @Test("a missing weight, a wrong shape and a weight too many are errors that name it")
  func unfitWeights() {
    let names = optimizer.weights.names
    #expect(
      throws: OptimizerError.missingWeight(
        name: "lstm_2/b_gates", found: names.filter { $0 != "lstm_2/b_gates" })
    ) { try TrainedOptimizer(file: file(["lstm_2/b_gates": nil])) }
    #expect(
      throws: OptimizerError.wrongWeightShape(
        name: "lstm_1/b_gates", found: [3, 4], expected: [12])
    ) {
      try TrainedOptimizer(
        file: file([
          "lstm_1/b_gates": SafetensorsArray(
            floats: Array(repeating: 0, count: 12), shape: [3, 4])
        ]))
    }
    #expect(throws: OptimizerError.unexpectedWeight(name: "extra", expected: names)) {
      try TrainedOptimizer(file: file(["extra": SafetensorsArray(floats: [1], shape: [1])]))
    }
  }

  @Test("a tensor with more axes than a tensor has here is an error")
  func tooManyAxes() {
    let array = SafetensorsArray(floats: [1], shape: Array(repeating: 1, count: 9))
    #expect(throws: OptimizerError.self) { try TrainedOptimizer(file: file(["linear/b": array])) }
  }

  @Test("an unknown class is an error that lists the known ones")
  func unknownNet() {
    #expect(
      throws: OptimizerError.unknownNet("LSTM", valid: OptimizerEntry.standard.map(\.name))
    ) { try TrainedOptimizer(file: file(metadata: ["net": "LSTM", "net_options": "{}"])) }
  }

  @Test(
    "options that are no JSON object, unknown or out of range are errors",
    arguments: [
      "", "{", "[1]", "3", "{\"layers\":[3,2]", "{\"layers\":3}", "{\"layers\":[0]}",
      "{\"layers\":[1.5]}", "{\"layers\":[3,2],\"units\":3}", "{\"layers\":[3,2],\"scale\":\"x\"}",
      "{\"layers\":[3,2],\"preprocess_name\":\"Log\"}",
      "{\"layers\":[3,2],\"preprocess_name\":\"LogAndSign\"}",
      "{\"layers\":[3,2],\"preprocess_name\":\"LogAndSign\",\"preprocess_options\":{\"k\":-1}}",
      "{\"layers\":[3,2],\"preprocess_name\":\"LogAndSign\",\"preprocess_options\":5}",
      "{\"layers\":[1,1,1,1,1,1,1,1,1]}", "{\"layers\":[100000]}",
    ])
  func malformedOptions(text: String) {
    #expect(throws: OptimizerError.self) {
      try TrainedOptimizer(
        file: file(metadata: ["net": CoordinateWiseDeepLSTM.name, "net_options": text]))
    }
  }

  @Test("options that ask for other weights than the file's are an error")
  func contradiction() {
    #expect(throws: OptimizerError.self) {
      try TrainedOptimizer(
        file: file(metadata: [
          "net": CoordinateWiseDeepLSTM.name, "net_options": "{\"layers\":[3]}",
        ]))
    }
    // LogAndSign makes two inputs of one.
    #expect(throws: OptimizerError.self) {
      try TrainedOptimizer(
        file: file(
          metadata: [
            "net": CoordinateWiseDeepLSTM.name,
            "net_options": "{\"layers\":[3,2],\"preprocess_name\":\"identity\"}",
          ]))
    }
  }

  @Test("a missing file and one that is no safetensors file are errors")
  func unreadable() throws {
    let folder = try TemporaryFolder()
    #expect(throws: SafetensorsError.self) {
      try TrainedOptimizer(contentsOf: folder.file("none.safetensors"))
    }
    #expect(throws: SafetensorsError.self) { try TrainedOptimizer(contentsOf: #filePath) }
  }

  @Test(
    "weights that are not finite are an error with file and tensor",
    arguments: [Float.nan, .infinity])
  func notFinite(value: Float) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("cw.safetensors")
    let good = file(metadata: [:])
    var bad = SafetensorsFile(metadata: good.metadata)
    let damaged = try #require(good.names.last)
    for name in good.names {
      let array = try #require(good[name])
      var floats = try array.floats()
      if name == damaged { floats[floats.count - 1] = value }
      bad.append(SafetensorsArray(floats: floats, shape: array.shape), named: name)
    }
    try bad.write(to: path)
    let error = #expect(throws: SafetensorsError.self) { try TrainedOptimizer(contentsOf: path) }
    guard case .notFinite(path, damaged, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
