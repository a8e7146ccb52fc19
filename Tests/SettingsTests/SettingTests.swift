import Settings
import Testing

/// A setting of every kind.
private struct Everything: Configurable, Equatable {
  enum Color: String, CaseIterable, Sendable {
    case red, green
    case deepBlue = "deep-blue"
  }

  var count = 3
  var seed: UInt64 = 0
  var rate: Float = 0.001
  var limit: Double?
  var isOn = false
  var name = "plain"
  var path: String?
  var color = Color.red
  var other: Color?
  var sizes = [20]
  var slopes: [Float] = []
  var pair = [5, 5]
  var options: [String: String] = [:]
  var anything = JSONValue.null
  var words: [String] = []
  var period = 100
  var verbose = false

  static let settings: [Setting<Everything>] = [
    Setting("count", \.count, in: .from(1, to: 10), "a count"),
    Setting("seed", \.seed, "a seed"),
    Setting("rate", \.rate, in: .atLeast(0), "a rate"),
    Setting("limit", \.limit, in: .above(0, below: 100), "a limit"),
    Setting("is_on", \.isOn, "a flag"),
    Setting("name", \.name, "a text"),
    Setting("path", \.path, "a path"),
    Setting("color", \.color, "a choice"),
    Setting("other", \.other, "a choice or none"),
    Setting("sizes", \.sizes, in: .from(1, to: 64), "sizes"),
    Setting("slopes", \.slopes, "numbers"),
    Setting("pair", \.pair, in: .from(1, to: 32), count: 2...2, "two sizes"),
    Setting("options", \.options, "pairs"),
    Setting("anything", \.anything, "JSON"),
    Setting("words", \.words, "texts"),
    Setting("period", \.period, in: .from(1, to: 1e9), effect: .extent, "a period"),
    Setting("verbose", \.verbose, effect: .run, "how much is told"),
  ]
}

/// A setting that depends on another.
private struct Range: Configurable {
  var low = 0
  var high = 1
  var inner = Everything()

  static let settings: [Setting<Range>] =
    [Setting("low", \.low, "the lower end"), Setting("high", \.high, "the upper end")]
    + Everything.settings.prefix(1).map { $0.within(\.inner) }

  func check() throws(SettingError) {
    guard low <= high else {
      throw SettingError("low", in: .file, .contradiction(reason: "low is above high"))
    }
  }
}

@Suite("Setting")
struct SettingTests {
  private func applied(_ texts: [(String, String)]) throws -> Everything {
    var given = GivenSettings<Everything>(in: .commandLine)
    for (name, text) in texts { try given.add(name, text) }
    var result = Everything()
    try given.apply(to: &result)
    return result
  }

  @Test("values of all kinds are read from texts")
  func texts() throws {
    let value = try applied([
      ("count", "7"), ("seed", "18446744073709551615"), ("rate", "1e-4"), ("limit", "0.5"),
      ("is-on", "TRUE"), ("name", "a b=c"), ("path", "-"), ("color", "deep-blue"),
      ("other", "green"), ("sizes", "(20, 30,)"), ("slopes", "-1,2.5"), ("pair", "[3,4]"),
      ("options", "a-b=c=d"), ("anything", "{\"w\":\"zeros\"}"), ("words", "x,y"),
      ("words", "z"), ("options", "k="), ("period", "5"), ("verbose", "true"),
    ])
    var wanted = Everything()
    wanted.count = 7
    wanted.seed = .max
    wanted.rate = 1e-4
    wanted.limit = 0.5
    wanted.isOn = true
    wanted.name = "a b=c"
    wanted.path = "-"
    wanted.color = .deepBlue
    wanted.other = .green
    wanted.sizes = [20, 30]
    wanted.slopes = [-1, 2.5]
    wanted.pair = [3, 4]
    wanted.options = ["a_b": "c=d", "k": ""]
    wanted.anything = .object(["w": .string("zeros")])
    wanted.words = ["x,y", "z"]
    wanted.period = 5
    wanted.verbose = true
    #expect(value == wanted)
  }

  @Test("a number so small that it would be computed with as 0 is refused, 0 in any form is not")
  func underflow() throws {
    for text in ["1e-50", "-1e-50", "1e-400", "0.0001e-398", "0x1p-2000", "0x10", "1\u{0}2", " 1"] {
      #expect(Double(settingTexts: [text]) == nil, "\(text)")
      #expect(Float(settingTexts: [text]) == nil, "\(text)")
    }
    for text in ["0", "-0", "0.0e5"] {
      #expect(Double(settingTexts: [text]) == 0 && Float(settingTexts: [text]) == 0, "\(text)")
    }
    #expect(Double(settingTexts: ["1e-45"]) == 1e-45 && Float(settingTexts: ["1e-45"]) == 1e-45)
    #expect(Double(settingJSON: .number(1e-50)) == nil && Float(settingJSON: .number(1e-50)) == nil)
  }

  @Test("none takes an optional value back")
  func none() throws {
    let value = try applied([("limit", "none"), ("other", "none"), ("path", "none")])
    #expect(value.limit == nil)
    #expect(value.other == nil)
    #expect(value.path == "none", "a path may have any name")
  }

  @Test(
    "what can't be read or is out of range is an error with what to give",
    arguments: [
      ("count", "0", "a whole number from 1 to 10"), ("count", "11", "a whole number"),
      ("count", "1.5", "a whole number"), ("count", "", "a whole number"),
      ("seed", "-1", "a whole number from 0 to 18446744073709551615"),
      ("rate", "-0.1", "a finite number of at least 0"), ("rate", "nan", "a finite number"),
      ("rate", "1e39", "a finite number"), ("limit", "0", "above 0 and below 100"),
      ("limit", "100", "above 0 and below 100"), ("is_on", "maybe", "true or false"),
      ("color", "blue", "red, green or deep-blue"),
      ("color", "none", "red, green or deep-blue"), ("other", "blue", "red, green or deep-blue"),
      ("sizes", "20,x", "whole numbers from 1 to 64 separated by commas"),
      ("sizes", "0", "whole numbers"), ("sizes", "(1", "whole numbers"),
      ("sizes", "1,,2", "whole numbers"), ("slopes", "1 2", "finite numbers"),
      ("pair", "5", "2 of them"), ("options", "a", "NAME=VALUE"), ("options", "=a", "NAME=VALUE"),
    ])
  func invalid(name: String, text: String, expected: String) throws {
    let error = #expect(throws: SettingError.self) { try applied([(name, text)]) }
    let sentence = try #require(error).description
    #expect(sentence.hasPrefix("--\(name) must be "), "\(sentence)")
    #expect(sentence.contains(expected), "\(sentence)")
    #expect(sentence.hasSuffix("not '\(text)'"), "\(sentence)")
  }

  @Test("unknown and repeated names are errors")
  func names() throws {
    let unknown = #expect(throws: SettingError.self) { try applied([("cuont", "1")]) }
    #expect(unknown?.description.contains("did you mean 'count'?") == true)
    let part = #expect(throws: SettingError.self) { try applied([("blue_sizes", "1")]) }
    #expect(part?.description.contains("choose one of count, seed") == true)
    let twice = #expect(throws: SettingError.self) {
      try applied([("count", "1"), ("count", "2")])
    }
    #expect(twice?.description == "--count is given twice, as '1' and '2'; give it once")
    let pair = #expect(throws: SettingError.self) {
      try applied([("options", "a=1"), ("options", "a=2")])
    }
    #expect(pair?.description.contains("'a' is given twice") == true)
  }

  @Test("what is saved comes back from JSON, and only that is saved")
  func json() throws {
    let value = try applied([
      ("count", "7"), ("seed", "18446744073709551615"), ("rate", "0.3"),
      ("limit", "0.30000001192092896"),
      ("color", "green"), ("slopes", "0.1,1e-8"), ("options", "a=b"), ("period", "5"),
    ])
    let text = JSONValue.object(value.json).text
    let read = try Everything(json: try #require(JSONValue(parsing: text)?.object))
    #expect(read == value)
    #expect(value.json["verbose"] == nil)
    #expect(text.contains(#""rate":0.3,"#))
    #expect(text == value.fingerprint)
  }

  @Test("JSON with entries missing, too many, of another kind or out of range is an error")
  func wrongJSON() throws {
    let json = Everything().json
    for name in json.keys {
      #expect(throws: SettingError(name, in: .file, .missing)) {
        try Everything(json: json.filter { $0.key != name })
      }
      let wrong: JSONValue = name == "anything" ? .null : .object(["x": .array([])])
      guard name != "anything" else { continue }
      let error = #expect(throws: SettingError.self, "\(name)") {
        try Everything(json: json.merging([name: wrong]) { $1 })
      }
      #expect(error?.name == name)
    }
    #expect(throws: SettingError.self) { try Everything(json: json.merging(["x": .null]) { $1 }) }
    #expect(throws: SettingError.self) {
      try Everything(json: json.merging(["count": .number(11)]) { $1 })
    }
    #expect(throws: SettingError.self) {
      try Everything(json: json.merging(["verbose": .bool(true)]) { $1 })
    }
  }

  @Test("defaults read back as themselves, for every setting")
  func defaults() throws {
    for setting in Everything.settings where setting.arity != .list && setting.name != "path" {
      let value = try applied([(setting.name, setting.defaultText)])
      #expect(value == Everything(), "\(setting.name)=\(setting.defaultText)")
    }
  }

  @Test("settings of a part are settings of the whole, and contradictions are checked")
  func parts() throws {
    var range = Range()
    try GivenSettings<Range>(["count": "4", "high": "2"], in: .commandLine).apply(to: &range)
    #expect(range.inner.count == 4)
    #expect(range.text(of: "count") == "4")
    #expect(try Range(json: range.json).high == 2)
    range.low = 3
    let json = range.json
    let error = #expect(throws: SettingError.self) { try Range(json: json) }
    #expect(error?.description == "low is above high")
  }

  @Test("effects say what may change and what is saved")
  func effects() {
    #expect(SettingEffect.allCases.map(\.mayChange) == [false, true, true])
    #expect(SettingEffect.allCases.map(\.isSaved) == [true, true, false])
  }

  @Test("given settings are equal whatever their order and spelling")
  func fingerprints() throws {
    var first = GivenSettings<Everything>(in: .commandLine)
    try first.add("count", "1")
    try first.add("is-on", "true")
    var second = GivenSettings<Everything>(in: .commandLine)
    try second.add("is_on", "true")
    try second.add("count", "1")
    #expect(first.fingerprint == second.fingerprint)
    #expect(first.arguments == ["--count=1", "--is_on=true"])
    #expect(first.contains("count") && !first.contains("seed"))
    try second.add("seed", "1")
    #expect(first.fingerprint != second.fingerprint)
  }
}

@Suite("GivenSettings")
struct GivenSettingsTests {
  private func given(_ settings: [(String, String)]) throws -> GivenSettings<Everything> {
    var given = GivenSettings<Everything>(in: .commandLine)
    for (name, text) in settings { try given.add(name, text) }
    return given
  }

  @Test("what is given replaces what was prepared, of NAME=VALUE each name by itself")
  func replacing() throws {
    let prepared = try given([
      ("count", "1"), ("options", "a=1"), ("options", "b=2"), ("words", "x"),
    ])
    let own = try given([
      ("count", "2"), ("options", "b=3"), ("options", "c=4"), ("words", "y"), ("seed", "5"),
    ])
    var value = Everything()
    try own.replacing(in: prepared).apply(to: &value)
    #expect(value.count == 2)
    #expect(value.options == ["a": "1", "b": "3", "c": "4"])
    #expect(value.words == ["y"])
    #expect(value.seed == 5)
    // What is given twice is an error still.
    let twice = try given([("options", "b=3"), ("options", "b=4")])
    #expect(throws: SettingError.self) {
      try twice.replacing(in: prepared).apply(to: &value)
    }
  }

  @Test("settings can be left out")
  func without() throws {
    let all = try given([("count", "1"), ("seed", "2")])
    #expect(all.without(["count"]).arguments == ["--seed=2"])
    #expect(all.names == ["count", "seed"])
  }
}

@Suite("Nearest names")
struct NearestNameTests {
  private let names = ["num_epochs", "evaluation_epochs", "seed", "save_path"]

  @Test(
    "few wrong letters, or a part of a name, find it",
    arguments: [
      ("sed", "seed"), ("save_pth", "save_path"), ("SEED", "seed"), ("epochs", "num_epochs"),
    ])
  func near(name: String, wanted: String) {
    #expect(nearest(to: name, among: names) == wanted)
    #expect(suggestion(name, names).hasPrefix("; did you mean '\(wanted)'?"))
  }

  @Test("others are far", arguments: ["x", "temperature", String(repeating: "seed", count: 1000)])
  func far(name: String) {
    #expect(nearest(to: name, among: names) == nil)
    #expect(suggestion(name, names).hasPrefix("; choose one of num_epochs, "))
  }
}
