import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Saved optimizers given to the program")
struct SavedOptimizerTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The file of a net without layers: an update is w g + b.
  static func linear(
    w: Float = -0.1, b: Float = 0, metadata: [String: String] = [:]
  ) -> SafetensorsFile {
    var file = SafetensorsFile(metadata: metadata)
    file.append(SafetensorsArray(floats: [w], shape: [1, 1]), named: "linear/w")
    file.append(SafetensorsArray(floats: [b], shape: [1]), named: "linear/b")
    return file
  }

  private func evaluate(_ name: String) -> [String] {
    ["evaluate", "--num_epochs=1", "--num_steps=3", "--path=\(folder.file(name))"]
  }

  @Test("a file is taken with and without metadata, from a folder too")
  func accepted() throws {
    let metadata = ["net": "CoordinateWiseDeepLSTM", "net_options": #"{"layers":[]}"#]
    for (name, file) in [("plain", Self.linear()), ("named", Self.linear(metadata: metadata))] {
      try file.write(to: folder.file("\(name).safetensors"))
      let result = try run(evaluate("\(name).safetensors"))
      #expect(result.code == 0)
      // x = 0.8^3, so the loss is 0.8^6 = 10^-0.58.
      #expect(result.lines.dropFirst().first == "Log Mean Final Error: -0.58")
      #expect(!result.errors.contains("untrained"))
    }
    #expect(mkdir(folder.file("nets"), 0o777) == 0)
    try Self.linear().write(to: folder.file("nets/cw.safetensors"))
    #expect(try run(evaluate("nets")).lines.dropFirst().first == "Log Mean Final Error: -0.58")
  }

  @Test("a format that the program does not know is exit code 65")
  func formats() throws {
    for version in ["2", "-1", "", "[1"] {
      let metadata = [
        "net": "CoordinateWiseDeepLSTM", "net_options": #"{"layers":[]}"#,
        "format_version": version,
      ]
      try Self.linear(metadata: metadata).write(to: folder.file("other.safetensors"))
      try expectFailure(
        evaluate("other.safetensors"), code: 65, saying: ["format '\(version)'", "version 1"])
    }
  }

  @Test("what does not exist is exit code 66")
  func missing() throws {
    try expectFailure(evaluate("nothing"), code: 66, saying: ["nothing"])
    #expect(mkdir(folder.file("empty"), 0o777) == 0)
    try expectFailure(evaluate("empty"), code: 66, saying: ["empty'", "no saved optimizer"])
    try expectFailure(["evaluate", "--path", ""], code: 66)
    try expectFailure(["unroll", "--path=nothing"], code: 66, saying: ["nothing"])
    try expectFailure(["unroll", "--state=nothing"], code: 66, saying: ["nothing"])
  }

  @Test("bytes that are no safetensors file are exit code 65, with offset and reason")
  func malformedBytes() throws {
    let good = try Self.linear().serialized()
    let cases: [(String, [UInt8])] = [
      ("empty", []), ("garbage", Array("this is no optimizer at all".utf8)),
      ("truncated", good.dropLast(3)), ("headless", Array(good.prefix(20))),
      ("longer", good + [0]), ("huge-header", [0, 0, 0, 0, 0, 0, 0, 0x40] + good.dropFirst(8)),
      ("negative-header", [UInt8](repeating: 0xFF, count: 8) + good.dropFirst(8)),
      ("long-header", [1, 0, 0, 1, 0, 0, 0, 0] + [UInt8](repeating: 0x20, count: 1 << 24 + 1)),
    ]
    for (name, bytes) in cases {
      _ = try folder.write(bytes, named: name)
      let words = [name, "at byte"]
      try expectFailure(evaluate(name), code: 65, saying: words)
      try expectFailure(["unroll", "--path=\(folder.file(name))"], code: 65, saying: words)
      try expectFailure(["unroll", "--state=\(folder.file(name))"], code: 65, saying: words)
    }
    #expect(mkfifo(folder.file("pipe"), 0o666) == 0)
    try expectFailure(evaluate("pipe"), code: 65, saying: ["not a regular file"])
    try expectFailure(["unroll", "--state=\(folder.path)"], code: 65, saying: ["regular"])
  }

  @Test("files whose weights, class or options don't fit are exit code 65 and named")
  func unfit() throws {
    func metadata(_ net: String, _ options: String) -> [String: String] {
      ["net": net, "net_options": options]
    }
    let lstm = "CoordinateWiseDeepLSTM"
    var extra = Self.linear()
    extra.append(SafetensorsArray(floats: [0], shape: [1]), named: "lstm_1/foo")
    var partial = SafetensorsFile()
    partial.append(SafetensorsArray(floats: [0], shape: [1, 1]), named: "linear/w")
    var wrong = SafetensorsFile()
    wrong.append(SafetensorsArray(floats: [0, 0], shape: [1, 2]), named: "linear/w")
    wrong.append(SafetensorsArray(floats: [0], shape: [1]), named: "linear/b")
    var wide = SafetensorsFile(
      metadata: metadata("KernelDeepLSTM", #"{"kernel_shape":[5,5],"layers":[]}"#))
    wide.append(
      SafetensorsArray(floats: [Float](repeating: 0, count: 625), shape: [25, 25]),
      named: "linear/w")
    wide.append(
      SafetensorsArray(floats: [Float](repeating: 0, count: 25), shape: [25]), named: "linear/b")
    var stretched = SafetensorsFile()
    stretched.append(
      SafetensorsArray(type: .float32, shape: [0, 99_999_999_999], bytes: []), named: "linear/w")
    stretched.append(SafetensorsArray(floats: [0], shape: [1]), named: "linear/b")
    let deep = String(repeating: "[", count: 100_000)
    let cases: [(String, SafetensorsFile, [String])] = [
      ("none", SafetensorsFile(), ["linear/w"]),
      ("extra", extra, ["lstm_1/foo"]),
      ("partial", partial, ["linear/b"]),
      ("wrong-shape", wrong, ["linear/w", "[1, 2]", "[1, 1]"]),
      ("kernels", wide, ["filters [5, 5, in, out]"]),
      ("stretched", stretched, ["linear/w"]),
      ("class", Self.linear(metadata: metadata("Foo", "{}")), ["'Foo'"]),
      ("no-json", Self.linear(metadata: metadata(lstm, "{")), ["JSON"]),
      ("deep-json", Self.linear(metadata: metadata(lstm, deep)), ["JSON"]),
      ("option", Self.linear(metadata: metadata(lstm, #"{"foo":1}"#)), ["'foo'"]),
      ("layers", Self.linear(metadata: metadata(lstm, #"{"layers":[20]}"#)), ["lstm_1/w_gates"]),
      ("scale", Self.linear(metadata: metadata(lstm, #"{"layers":[],"scale":"x"}"#)), ["scale"]),
      (
        "initializer",
        Self.linear(metadata: metadata(lstm, #"{"layers":[],"initializer":[1,2,3]}"#)),
        ["initializer"]
      ),
      ("adam", Self.linear(metadata: metadata("Adam", "{}")), ["linear/w"]),
    ]
    for (name, file, words) in cases {
      try file.write(to: folder.file(name))
      try expectFailure(evaluate(name), code: 65, saying: [name] + words)
    }
  }

  @Test("a net of another problem is used, with a notice")
  func otherProblem() throws {
    try Self.linear(metadata: ["problem": "quadratic"]).write(to: folder.file("q"))
    let result = try run(evaluate("q") + ["--problem=simple"])
    #expect(result.code == 0)
    #expect(result.errors.contains("trained on quadratic, not on simple"))
  }

  @Test("states that can't be resumed are exit code 65 and stay as they are")
  func malformedStates() throws {
    let training = ["train", "--problem=quadratic", "--problem_option=batch_size=2"]
    let start = try run(training + ["--num_epochs=1", "--save_path=\(folder.file("t"))"])
    #expect(start.code == 0)
    let path = folder.file("t/latest.training-state.safetensors")
    let good = try SafetensorsFile(contentsOf: path)
    let options = try #require(good.metadata["options"])
    func changed(_ old: String, _ new: String) -> SafetensorsFile {
      var file = good
      file.metadata["options"] = options.replacingOccurrences(of: old, with: new)
      return file
    }
    func replacing(_ name: String, _ array: SafetensorsArray) -> SafetensorsFile {
      var file = SafetensorsFile(metadata: good.metadata)
      for each in good.names {
        if let old = good[each] { file.append(each == name ? array : old, named: each) }
      }
      return file
    }
    let files: [(String, SafetensorsFile)] = [
      ("another file", try SafetensorsFile(contentsOf: folder.file("t/cw.safetensors"))),
      ("problem", changed(#""quadratic""#, #""foo""#)),
      ("problem option", changed("batch_size", "batch_sise")),
      ("unroll length", changed(#""unroll_length":20"#, #""unroll_length":0"#)),
      ("steps", changed(#""num_steps":100"#, #""num_steps":1"#)),
      ("optimizees", changed(#""optimizees":1"#, #""optimizees":1000000000"#)),
      ("no options", changed(options, "")),
      ("counters", replacing("counters", SafetensorsArray(int64s: [1], shape: [1]))),
      (
        "large counters",
        replacing(
          "counters", SafetensorsArray(int64s: .init(repeating: .max, count: 9), shape: [9]))
      ),
      (
        "negative counters",
        replacing("counters", SafetensorsArray(int64s: .init(repeating: -1, count: 9), shape: [9]))
      ),
      (
        "float counters",
        replacing("counters", SafetensorsArray(doubles: .init(repeating: 0, count: 9), shape: [9]))
      ),
      ("moments", replacing("adam/cw/m", SafetensorsArray(floats: [0], shape: [1]))),
    ]
    for (name, file) in files {
      let bytes = try file.serialized()
      _ = try folder.write(bytes, named: "t/latest.training-state.safetensors")
      try expectFailure(
        ["train", "--resume", "--save_path=\(folder.file("t"))", "--num_epochs=2"], code: 65,
        saying: ["latest.training-state.safetensors"])
      #expect(try contents(path) == bytes, "\(name)")
    }
    let bytes = Array(try good.serialized().prefix(1000))
    _ = try folder.write(bytes, named: "t/latest.training-state.safetensors")
    try expectFailure(
      ["train", "--resume", "--save_path=\(folder.file("t"))"], code: 65, saying: ["at byte"])
    #expect(try contents(path) == bytes)
  }
}
