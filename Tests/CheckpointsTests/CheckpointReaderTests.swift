import Checkpoints
import Foundation
import LearnedOptimizers
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing

/// The numbers of array `number`, as Fixtures/make_fixtures.py makes them.
private func fill(_ shape: Shape, _ number: Int) -> [Float] {
  (0..<shape.count).map { Float(($0 * 37 + number * 11) % 64 - 32) / 64 }
}

private func fixture(_ name: String) throws -> [UInt8] {
  let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: nil))
  return Array(try Data(contentsOf: url))
}

@Suite("Checkpoints of other programs")
struct CheckpointReaderTests {
  @Test("flax's Celo2, its first layer in groups")
  func celo2() throws {
    let result = try CheckpointReader().read(fixture("celo2.state"))
    #expect(result.format == .flax)
    let trained = result.trained
    #expect(trained.rule is Celo2)
    #expect(trained.rule.weightCount == 347)
    let w0 = try #require(trained.weights["w0"])
    // The third group of three rows, m, begins at row 3.
    #expect(Array(w0.elements[3 * 8..<6 * 8]) == fill([3, 8], 3))
    #expect(trained.weights["w2"]?.elements == fill([8, 3], 23))
    #expect(trained.metadata["converted_from"] == "flax msgpack")
    let base = try CheckpointReader(given: ["net": .string("Celo2Base")])
      .read(fixture("celo2.state"))
    #expect(base.trained.rule is Celo2Base)
  }

  @Test("Haiku's MLPLOpt, whose modules have slashes in their names")
  func mlp() throws {
    let trained = try CheckpointReader().read(fixture("mlp.state")).trained
    #expect(trained.rule is MLPLOpt)
    #expect(trained.rule.options["layers"]?.text == "[3,4]")
    #expect(trained.weights["w1"]?.elements == fill([3, 4], 2))
    #expect(trained.weights["b2"]?.elements == fill([2], 5))
  }

  @Test("a whole checkpoint of AdafacMLPLOpt; what is no weight is told")
  func adafac() throws {
    let result = try CheckpointReader().read(fixture("adafac-checkpoint.state"))
    #expect(result.trained.rule is AdafacMLPLOpt)
    #expect(result.trained.weights["w0"]?.elements == fill([39, 4], 3))
    #expect(
      result.trained.weights["momentum_decays"]?.elements == fill([3], 0).map { $0 / 100 })
    #expect(result.notes.count == 1 && result.notes[0].contains("gen_id, step"))
  }

  @Test("PyLO's perceptron; decays and step_mult are its defaults, and told")
  func pylo() throws {
    let result = try CheckpointReader().read(fixture("pylo.safetensors"))
    #expect(result.format == .pylo)
    #expect(result.trained.rule is AdafacMLPLOpt)
    #expect(result.trained.weights["w1"]?.elements == fill([4, 4], 5))
    #expect(result.trained.rule.options["step_mult"] == .number(0.01))
    #expect(result.notes.count == 2)
    let given = try CheckpointReader(given: ["step_mult": .number(0.5)])
      .read(fixture("pylo.safetensors"))
    #expect(given.trained.rule.options["step_mult"] == .number(0.5))
  }

  @Test(
    "pickles of every protocol, of dill and of Python 2",
    arguments: (0...5).map { "lstm-\($0)" } + ["lstm-dill", "lstm-python2", "lstm-odd"])
  func pickles(name: String) throws {
    let result = try CheckpointReader().read(fixture("\(name).pickle"))
    #expect(result.format == .pickle)
    let trained = result.trained
    #expect(trained.rule is CoordinateWiseDeepLSTM)
    #expect(trained.weights["lstm_1/w_gates"]?.elements == fill([4, 8], 0))
    #expect(trained.weights["lstm_1/b_gates"]?.elements == fill([8], 1))
    #expect(trained.weights["linear/w"]?.elements == fill([2, 1], 2))
    // Two inputs for a gradient: LogAndSign, as the reference program has it.
    #expect(trained.rule.options["scale"] == .number(0.01))
    #expect(trained.rule.options["preprocess_options"]?.text == "{\"k\":5}")
    #expect(trained.metadata["assumed"] != nil)
  }

  @Test("a pickle that asks for more than arrays is an error that says for what")
  func forbidden() throws {
    let bytes = try fixture("runs.pickle")
    let error = try #require(throws: CheckpointError.self) { try CheckpointReader().read(bytes) }
    #expect(error.description.contains("exec"))
    for text in ["cos\nsystem\n(S'true'\ntR.", "cbuiltins\neval\n.", "c__main__\nX\n)R."] {
      #expect(throws: CheckpointError.self) { try CheckpointReader().read(Array(text.utf8)) }
    }
  }

  @Test("files of nothing known are errors", arguments: ["", "hello", "\u{1}", "(.", "}."])
  func unknown(text: String) {
    #expect(throws: CheckpointError.self) { try CheckpointReader().read(Array(text.utf8)) }
  }

  @Test("weights that are NaN are an error")
  func notFinite() throws {
    var bytes = try fixture("celo2.state")
    // The last bytes are those of w2's last elements.
    bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
    #expect(throws: CheckpointError.self) { try CheckpointReader().read(bytes) }
  }

  @Test("lists that hold themselves, or the one before twice, are stopped")
  func sharedWithoutEnd() {
    // An empty list, put aside, taken again, and appended to itself.
    let cycle: [UInt8] = Array("]q".utf8) + [0] + Array("h".utf8) + [0] + Array("a.".utf8)
    let limit = CheckpointError.Reason.tooDeep(limit: 32)
    #expect(
      throws: CheckpointError.malformed(format: .pickle, offset: 9, reason: limit)
    ) { try CheckpointReader().read([0x80, 2] + cycle) }
    var doubling: [UInt8] = [0x80, 2] + Array("]q".utf8) + [0]
    for index in UInt8(1)...30 {
      let taken = [UInt8(ascii: "h"), index - 1]
      doubling += taken + taken + [0x86, UInt8(ascii: "q"), index]
    }
    #expect(throws: CheckpointError.self) {
      try CheckpointReader().read(doubling + [UInt8(ascii: ".")])
    }
  }
}
