import Settings
import Testing

/// Other spellings, parts, and settings taken from JSON.
@Suite("Spellings and parts of settings")
struct SettingPartsTests {
  private struct Lens: Configurable {
    enum Shape: String, CaseIterable, Sendable { case round, square }
    var shape: Shape? = .round
    var options = JSONValue.null
    var width: Float?
    var note = "none"

    static let settings: [Setting<Lens>] = [
      Setting("shape", \.shape, otherNames: ["form"], "the outline"),
      Setting("options", \.options, partOf: "shape", "the outline's numbers"),
      Setting("width", \.width, in: .above(0), effect: .run, partOf: "options", "one of them"),
      Setting("note", \.note, effect: .run, otherNames: ["remark"], "said along"),
    ]

    func check() throws(SettingError) {
      if shape == .square, width == nil { throw refuse("width", expected: "a number") }
    }
  }

  private let place = SettingPlace.net("Lens")

  private func fault(_ given: [String: JSONValue]) -> SettingError? {
    var lens = Lens()
    return #expect(throws: SettingError.self) { try lens.take(given, in: place) }
  }

  @Test("other spellings are read and count as the same name")
  func spellings() throws {
    #expect(Lens.setting(named: "form")?.name == "shape")
    var given = GivenSettings<Lens>(in: place)
    try given.add("form", "square")
    #expect(given.names == ["shape"])
    let error = #expect(throws: SettingError.self) { try given.add("shape", "round") }
    #expect(error == SettingError("shape", in: place, .repeated(values: ["square", "round"])))
    var lens = Lens()
    try given.apply(to: &lens)
    #expect(lens.shape == .square)
  }

  @Test("JSON gives some of the settings, those too that are not saved")
  func take() throws {
    var lens = Lens()
    try lens.take(["form": .string("square"), "width": .number(0.5)], in: place)
    #expect(lens.shape == .square && lens.width == 0.5 && lens.note == "none")
    try lens.take(["remark": .string("x"), "shape": .null], in: place)
    #expect(lens.note == "x" && lens.shape == nil && lens.width == 0.5)
    #expect(lens.json.keys.sorted() == ["options", "shape"])
  }

  @Test("what can't be taken is told with its place")
  func faults() {
    #expect(
      fault(["size": .number(1)])?.fault
        == .unknown(valid: ["shape", "options", "width", "note"]))
    #expect(
      fault(["form": .string("round"), "shape": .string("round")])?.fault
        == .repeated(values: ["\"round\"", "\"round\""]))
    #expect(fault(["width": .number(0)])?.description.contains("above 0") ?? false)
    let square = fault(["shape": .string("square")])
    #expect(square?.place == place)
    #expect(square?.description == "option width of net Lens can't be none: give a number")
    #expect(fault(["shape": .string("flat")])?.description.contains("round or square") ?? false)
  }

  @Test("one text becomes JSON under the setting's own name")
  func texts() throws {
    #expect(try Lens.json(of: "form", reading: "square", in: place) == ("shape", .string("square")))
    #expect(try Lens.json(of: "width", reading: "0.1", in: place) == ("width", .number(0.1)))
    #expect(
      try Lens.json(of: "options", reading: #"{"a":1}"#, in: place)
        == ("options", .object(["a": .number(1)])))
    #expect(throws: SettingError.self) { try Lens.json(of: "width", reading: "-1", in: place) }
    #expect(throws: SettingError.self) { try Lens.json(of: "size", reading: "1", in: place) }
  }

  @Test("a summary says the same of a setting without its type")
  func summaries() {
    let summaries = Lens.settings.map { SettingSummary($0) }
    #expect(summaries.map(\.name) == ["shape", "options", "width", "note"])
    #expect(summaries.map(\.whole) == [nil, "shape", "options", nil])
    #expect(summaries.map(\.isSaved) == [true, true, false, false])
    #expect(summaries[0].otherNames == ["form"] && summaries[0].standard == "round")
    #expect(summaries[2].expected == "a finite number above 0")
  }
}
