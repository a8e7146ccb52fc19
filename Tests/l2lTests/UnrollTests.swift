import Foundation
import Safetensors
import TestSupport
import Testing

/// The distance of two lists over the norm of the second.
func relativeDistance(_ a: [Float], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let distance = zip(a, b).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
  return (distance / max(b.reduce(0) { $0 + $1 * $1 }, 1e-30)).squareRoot()
}

@Suite("unroll on the reference's numbers")
struct UnrollGoldenTests {
  let golden: String
  let folder: TemporaryFolder

  init() throws {
    let url = Bundle.module.url(
      forResource: "quadratic_identity", withExtension: "safetensors", subdirectory: "Fixtures")
    golden = try #require(url).path
    folder = try TemporaryFolder()
  }

  @Test(
    "losses, final parameters and meta-gradients are the reference's",
    arguments: [
      ("sd0", []), ("sd1", ["--second_derivatives"]),
    ])
  func golden(prefix: String, flags: [String]) throws {
    unlink(folder.file("out"))
    let result = try run(
      [
        "unroll", "--problem=quadratic", "--path=\(golden)", "--state=\(golden)",
        "--unroll_length=20", "--output=out",
      ] + flags, in: folder.path)
    #expect(result.code == 0)
    #expect(result.output == "")
    let expected = try SafetensorsFile(contentsOf: golden)
    let found = try SafetensorsFile(contentsOf: folder.file("out"))
    let names = expected.names.filter { $0.hasPrefix("\(prefix)/") && !$0.contains("/train/") }
    #expect(names.count == 9)
    #expect(Set(found.names) == Set(names.map { String($0.dropFirst(4)) }))
    for name in names {
      let array = try #require(expected[name])
      let other = try #require(found[String(name.dropFirst(4))])
      #expect(other.shape == array.shape && other.type == .float32)
      let distance = relativeDistance(try other.floats(), try array.floats().map(Double.init))
      #expect(distance < 1e-4, "\(name)")
    }
  }

  @Test("weights may stand without prefix and metadata")
  func plainWeights() throws {
    let file = try SafetensorsFile(contentsOf: golden)
    var plain = SafetensorsFile()
    for name in file.names where name.hasPrefix("weights/") {
      if let array = file[name] { plain.append(array, named: String(name.dropFirst(8))) }
    }
    try plain.write(to: folder.file("cw.safetensors"))
    var outputs: [[UInt8]] = []
    for path in [golden, folder.file("cw.safetensors"), folder.path] {
      unlink(folder.file("out"))
      let result = try run(
        [
          "unroll", "--problem=quadratic", "--path", path, "--state", golden, "--unroll_length",
          "3", "--output", "out",
        ], in: folder.path)
      #expect(result.code == 0)
      outputs.append(try contents(folder.file("out")))
    }
    #expect(outputs[0] == outputs[1] && outputs[1] == outputs[2])
  }

  @Test("without --output the losses are printed")
  func printed() throws {
    let result = try run([
      "unroll", "--problem=quadratic", "--path=\(golden)", "--state=\(golden)",
      "--unroll_length=2",
    ])
    #expect(result.code == 0)
    let fx = try #require(try SafetensorsFile(contentsOf: golden)["sd0/fx"]).floats()
    try #require(result.lines.count == 4)
    for step in 0...2 {
      let value = try #require(Float(result.lines[step].split(separator: " ").last ?? ""))
      #expect(abs(value - fx[step]) < 1e-5 * abs(fx[step]))
    }
  }
}

@Suite("unroll against an independent computation")
struct UnrollTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Numbers in -1...1, the same in every run.
  static func numbers(_ count: Int, seed: UInt64) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      // Rounded to float32, so that both computations start from the same numbers.
      return Double(Float(Double(state >> 33) / Double(1 << 30) - 1))
    }
  }

  private static func floats(_ numbers: [Double], _ shape: [Int]) -> SafetensorsArray {
    SafetensorsArray(floats: numbers.map { Float($0) }, shape: shape)
  }

  /// Runs the program and compares all that it writes.
  private func compare(
    _ unroll: IndependentUnroll, problem: String, net: SafetensorsFile, state: SafetensorsFile,
    parameters: [String], secondOrder: Bool = true, tolerance: Double = 1e-4,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try net.write(to: folder.file("net"))
    try state.write(to: folder.file("state"))
    for second in secondOrder ? [false, true] : [false] {
      unlink(folder.file("out"))
      let result = try run(
        [
          "unroll", "--problem=\(problem)", "--path=net", "--state=state", "--output=out",
          "--unroll_length=\(unroll.steps)", "--second_derivatives=\(second)",
        ], in: folder.path, sourceLocation: sourceLocation)
      #expect(result.code == 0, "\(result.errors)", sourceLocation: sourceLocation)
      let out = try SafetensorsFile(contentsOf: folder.file("out"))
      func found(_ names: [String]) throws -> [Float] {
        try names.flatMap { try out[$0]?.floats() ?? [] }
      }
      let gradient = second ? unroll.secondOrderGradient : unroll.firstOrderGradient
      let pairs: [(String, [Float], [Double])] = [
        ("fx", try found(["fx"]), unroll.losses),
        ("meta_loss", try found(["meta_loss"]), [unroll.losses.reduce(0, +)]),
        ("x_final", try found(parameters.map { "x_final/\($0)" }), unroll.end),
        ("grad", try found(["grad/linear/w", "grad/linear/b"]), gradient),
      ]
      for (name, found, expected) in pairs {
        let distance = relativeDistance(found, expected)
        #expect(
          distance < tolerance, "\(name), second derivatives \(second): \(distance)",
          sourceLocation: sourceLocation)
      }
    }
  }

  /// The file of a net whose update is w p(g) + b, with options as metadata.
  static func net(
    _ w: [Double], _ b: [Double], class name: String = "CoordinateWiseDeepLSTM",
    options: String
  ) -> SafetensorsFile {
    var file = SafetensorsFile(metadata: ["net": name, "net_options": options])
    file.append(floats(w, [w.count / b.count, b.count]), named: "linear/w")
    file.append(floats(b, [b.count]), named: "linear/b")
    return file
  }

  static let labels = [3, 0, 9, 3, 5]

  /// A batch of five images of 36 pixels and a perceptron for it.
  static func minibatch(
    shape: [Int] = [5, 36], hidden: [Int] = [], labels: SafetensorsArray? = nil
  ) -> (state: SafetensorsFile, images: [Double], start: [Double], parameters: [String]) {
    let images = numbers(5 * 36, seed: 1).map { Double(Float(abs($0))) }
    var file = SafetensorsFile()
    file.append(floats(images, shape), named: "images")
    file.append(
      labels ?? SafetensorsArray(int64s: Self.labels.map(Int64.init), shape: [5]), named: "labels")
    var start: [Double] = []
    var names: [String] = []
    let sizes = [36] + hidden + [10]
    for layer in 0..<sizes.count - 1 {
      for (name, shape) in [("w", [sizes[layer], sizes[layer + 1]]), ("b", [sizes[layer + 1]])] {
        let values = numbers(shape.reduce(1, *), seed: UInt64(10 + start.count)).map {
          Double(Float($0 * 0.5))
        }
        names.append("mlp/linear_\(layer)/\(name)")
        file.append(floats(values, shape), named: "x0/\(names[names.count - 1])")
        start += values
      }
    }
    return (file, images, start, names)
  }

  @Test("a linear net on a perceptron without hidden layers", arguments: [[5, 36], [5, 6, 6, 1]])
  func linearNet(shape: [Int]) throws {
    let batch = Self.minibatch(shape: shape)
    try compare(
      IndependentUnroll(
        optimizee: .perceptron(images: batch.images, labels: Self.labels, sizes: [36, 10]),
        rule: .coordinateWise(w: [-0.5], b: 0.25, scale: 0.5), start: batch.start, steps: 4),
      problem: "mnist", net: Self.net([-0.5], [0.25], options: #"{"layers":[],"scale":0.5}"#),
      state: batch.state, parameters: batch.parameters)
  }

  @Test(
    "hidden layers follow the given parameters, with both activations", arguments: [false, true])
  func hiddenLayer(relu: Bool) throws {
    let batch = Self.minibatch(hidden: [4])
    let unroll = IndependentUnroll(
      optimizee: .perceptron(
        images: batch.images, labels: Self.labels, sizes: [36, 4, 10], relu: relu),
      rule: .coordinateWise(w: [-0.5], b: 0.0625), start: batch.start, steps: 3)
    let net = Self.net([-0.5], [0.0625], options: #"{"layers":[],"preprocess_name":"identity"}"#)
    if relu {
      // The activation is no shape, so it is told.
      try net.write(to: folder.file("net"))
      try batch.state.write(to: folder.file("state"))
      unlink(folder.file("out"))
      let result = try run(
        [
          "unroll", "--problem=mnist", "--problem_option=activation=relu", "--path=net",
          "--state=state", "--output=out", "--unroll_length=3", "--second_derivatives",
        ], in: folder.path)
      #expect(result.code == 0)
      let out = try SafetensorsFile(contentsOf: folder.file("out"))
      let gradient = try ["w", "b"].flatMap { try #require(out["grad/linear/\($0)"]).floats() }
      #expect(relativeDistance(gradient, unroll.secondOrderGradient) < 1e-4)
    } else {
      try compare(
        unroll, problem: "mnist", net: net, state: batch.state, parameters: batch.parameters)
    }
  }

  @Test(
    "Clamp in both spellings",
    arguments: [
      #"{"layers":[],"preprocess_name":"Clamp","preprocess_options":{"min":-0.02,"max":0.03}}"#,
      #"{"layers":[],"preprocess":"Clamp","min":-0.02,"max":0.03}"#,
    ])
  func clamp(options: String) throws {
    let batch = Self.minibatch()
    try compare(
      IndependentUnroll(
        optimizee: .perceptron(images: batch.images, labels: Self.labels, sizes: [36, 10]),
        rule: .coordinateWise(w: [-2], b: 0.125) { [min(max($0, -0.02), 0.03)] },
        start: batch.start, steps: 3),
      problem: "mnist", net: Self.net([-2], [0.125], options: options), state: batch.state,
      parameters: batch.parameters)
  }

  @Test(
    "LogAndSign in both spellings",
    arguments: [
      #"{"layers":[],"scale":0.1,"preprocess_name":"LogAndSign","preprocess_options":{"k":5}}"#,
      #"{"layers":[],"scale":0.1,"preprocess":"LogAndSign","k":5}"#,
    ])
  func logAndSign(options: String) throws {
    let batch = Self.minibatch()
    let rule = Rule.coordinateWise(w: [-0.25, -0.5], b: 0.125, scale: 0.1) { g in
      [max(log(abs(g) + 1.1920929e-07) / 5, -1), min(max(g * exp(5), -1), 1)]
    }
    try compare(
      IndependentUnroll(
        optimizee: .perceptron(images: batch.images, labels: Self.labels, sizes: [36, 10]),
        rule: rule, start: batch.start, steps: 3),
      problem: "mnist", net: Self.net([-0.25, -0.5], [0.125], options: options),
      state: batch.state, parameters: batch.parameters, secondOrder: false)
  }

  @Test("StandardDeepLSTM steps rows as wholes")
  func rows() throws {
    let (batch, dims) = (3, 4)
    let w = Self.numbers(batch * dims * dims, seed: 2)
    let y = Self.numbers(batch * dims, seed: 3)
    let x = Self.numbers(batch * dims, seed: 4)
    let weights = Self.numbers(dims * dims, seed: 5).map { Double(Float($0 * 0.25)) }
    let bias = Self.numbers(dims, seed: 6)
    var state = SafetensorsFile()
    state.append(Self.floats(w, [batch, dims, dims]), named: "const/w")
    state.append(Self.floats(y, [batch, dims]), named: "const/y")
    state.append(Self.floats(x, [batch, dims]), named: "x0/x")
    let rule = Rule(weights: weights + bias) { weights, g in
      (0..<batch * dims).map { index in
        let (row, column) = (index / dims, index % dims)
        return (0..<dims).reduce(weights[dims * dims + column]) {
          $0 + g[row * dims + $1] * weights[$1 * dims + column]
        }
      }
    }
    try compare(
      IndependentUnroll(
        optimizee: .quadratic(w: w, y: y, batch: batch, dims: dims), rule: rule, start: x, steps: 5),
      problem: "quadratic",
      net: Self.net(
        weights, bias, class: "StandardDeepLSTM", options: #"{"output_size":4,"layers":[]}"#),
      state: state, parameters: ["x"])
  }

  @Test("of several nets each steps its own parameters")
  func severalNets() throws {
    try Self.net([-0.125], [0.25], options: #"{"layers":[]}"#).write(to: folder.file("net"))
    unlink(folder.file("out"))
    let result = try run(
      ["unroll", "--problem=simple-multi", "--path=net", "--unroll_length=4", "--output=out"],
      in: folder.path)
    #expect(result.code == 0)
    var x = (1.0, 1.0)
    var (m, v) = (0.0, 0.0)
    var losses = [2.0]
    for step in 1...4 {
      x.0 += -0.125 * 2 * x.0 + 0.25
      let g = 2 * x.1
      (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g)
      let corrected =
        0.1 * (1 - pow(0.999, Double(step))).squareRoot() / (1 - pow(0.9, Double(step)))
      x.1 -= corrected * m / (v.squareRoot() + 1e-8)
      losses.append(x.0 * x.0 + x.1 * x.1)
    }
    let out = try SafetensorsFile(contentsOf: folder.file("out"))
    #expect(
      out.names.sorted() == [
        "fx", "grad/linear/b", "grad/linear/w", "meta_loss", "x_final/x_0", "x_final/x_1",
      ])
    #expect(relativeDistance(try #require(out["fx"]).floats(), losses) < 1e-5)
    #expect(relativeDistance(try #require(out["x_final/x_0"]).floats(), [x.0]) < 1e-5)
    #expect(relativeDistance(try #require(out["x_final/x_1"]).floats(), [x.1]) < 1e-5)
  }

  @Test("labels may be of any number type, and pixels bytes")
  func types() throws {
    let net = Self.net([-0.5], [0.25], options: #"{"layers":[]}"#)
    try net.write(to: folder.file("net"))
    let unroll = [
      "unroll", "--problem=mnist", "--path=net", "--state=state", "--unroll_length=2",
    ]
    var outputs: Set<String> = []
    let int32s: [UInt8] = Self.labels.flatMap { [UInt8($0), 0, 0, 0] }
    for labels in [
      SafetensorsArray(int64s: Self.labels.map(Int64.init), shape: [5]),
      SafetensorsArray(floats: Self.labels.map { Float($0) }, shape: [5]),
      SafetensorsArray(type: .int32, shape: [5], bytes: int32s),
      SafetensorsArray(type: .uint8, shape: [5], bytes: Self.labels.map { UInt8($0) }),
    ] {
      try Self.minibatch(labels: labels).state.write(to: folder.file("state"))
      let result = try run(unroll, in: folder.path)
      #expect(result.code == 0, "\(result.errors)")
      outputs.insert(result.output)
    }
    #expect(outputs.count == 1)
  }

  @Test("a state that does not fit is exit code 65 and names file and tensor")
  func unfitStates() throws {
    func file(_ arrays: [(String, SafetensorsArray)]) -> SafetensorsFile {
      var file = SafetensorsFile()
      for (name, array) in arrays { file.append(array, named: name) }
      return file
    }
    func zeros(_ shape: [Int]) -> SafetensorsArray {
      SafetensorsArray(floats: [Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
    }
    let huge = SafetensorsArray(type: .float32, shape: [4, 0, 99_999_999_999], bytes: [])
    let images = ("images", zeros([4, 36]))
    func labels(_ value: Float) -> (String, SafetensorsArray) {
      ("labels", SafetensorsArray(floats: [Float](repeating: value, count: 4), shape: [4]))
    }
    let cases: [(String, [(String, SafetensorsArray)], [String])] = [
      ("quadratic", [("x0/y", zeros([2, 3]))], ["x0/y", "x"]),
      ("quadratic", [("const/q", zeros([2, 3]))], ["const/q", "w, y"]),
      ("quadratic", [("x0/x", zeros([2, 3])), ("const/w", zeros([2, 3, 4]))], ["const/w"]),
      ("quadratic", [("x0/x", zeros([6]))], ["x0/x", "[6]"]),
      ("quadratic", [("x0/x", zeros([0, 3]))], ["x0/x", "[0, 3]"]),
      ("quadratic", [("x0/x", huge)], ["x0/x"]),
      ("simple", [("x0/x", zeros([1]))], ["x0/x"]),
      ("mnist", [("x0/mlp/linear_7/w", zeros([2, 3])), images, labels(1)], ["linear_7/w"]),
      ("mnist", [("x0/mlp/linear_0/w", zeros([35, 10])), images, labels(1)], ["[35, 10]"]),
      ("mnist", [("x0/mlp/linear_0/w", zeros([36, 5])), images, labels(1)], ["linear_0/w"]),
      ("mnist", [images], ["no labels"]),
      ("mnist", [labels(1)], ["no images"]),
      ("mnist", [("images", zeros([3, 36])), labels(1)], ["3 images", "4 labels"]),
      ("mnist", [images, labels(10)], ["label 10"]),
      ("mnist", [images, labels(-1)], ["label -1"]),
      ("mnist", [images, labels(1.5)], ["1.5"]),
      ("mnist", [images, labels(.nan)], ["nan"]),
      ("mnist", [("images", zeros([0, 36])), ("labels", zeros([0]))], ["[0, 36]"]),
      ("mnist", [("images", zeros([4])), labels(1)], ["[4]"]),
      ("mnist", [("images", huge), labels(1)], ["images"]),
    ]
    for (problem, arrays, words) in cases {
      try file(arrays).write(to: folder.file("state"))
      try expectFailure(
        ["unroll", "--problem=\(problem)", "--state=state", "--output=out"], code: 65,
        saying: ["'state'"] + words, in: folder.path)
    }
    #expect(try folder.names() == ["state"])
  }

  @Test("a start that is not finite is exit code 65")
  func notFinite() throws {
    var state = SafetensorsFile()
    state.append(SafetensorsArray(floats: [.nan], shape: []), named: "x0/x")
    try state.write(to: folder.file("state"))
    try expectFailure(
      ["unroll", "--state=state", "--output=out"], code: 65, saying: ["not finite", "step 0"],
      in: folder.path)
    #expect(try folder.names() == ["state"])
  }
}
