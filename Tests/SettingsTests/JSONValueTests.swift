import Settings
import Testing

@Suite("JSONValue")
struct JSONValueTests {
  @Test(
    "text is read and written back the same",
    arguments: [
      "null", "true", "false", "0", "1", "-3", "0.01", "1e+20", "\"\"", "\"a b\"", "[]", "[1,[2]]",
      "{}", "{\"a\":1,\"b\":{\"c\":[true,null]}}", "\"\\\"\\\\\\n\\t\\u0001\"",
      "\"\u{e9}\u{1f600}\"",
    ])
  func roundTrip(text: String) throws {
    #expect(try #require(JSONValue(parsing: text)).text == text)
  }

  @Test("a name that an object has twice is found, however it is written")
  func repeatedNames() {
    for (text, name) in [
      (#"{"a":1,"a":2}"#, "a"), (#"{"a":{"b":[{"c":1}],"b":2}}"#, "b"),
      (#"[{"a":1,"\u0061":2}]"#, "a"),
      (#"{"a":[1,"a"],"b":"a","a":{}}"#, "a"), (#"{"\"":1,"x":"}","\"":2}"#, "\""),
    ] as [(String, String)] {
      #expect(JSONValue.repeatedName(in: text) == name, "\(text)")
    }
    for text in [
      "", "{", "}]", #"{"a"#, #"{"a":{"a":1}}"#, #"[{"a":1},{"a":2}]"#, #"{"a":"a","b":["a","a"]}"#,
      #"["a","a"]"#, #"{"a":"\",\"a\":"}"#,
    ] {
      #expect(JSONValue.repeatedName(in: text) == nil, "\(text)")
    }
  }

  @Test("truth and numbers stay apart")
  func booleans() {
    #expect(
      JSONValue(parsing: "[true,false,1,0]")
        == .array([.bool(true), .bool(false), .number(1), .number(0)]))
  }

  @Test("keys are written in sorted order")
  func sortedKeys() {
    #expect(JSONValue.object(["b": .number(2), "a": .null]).text == "{\"a\":null,\"b\":2}")
  }

  @Test("float options read back as the same float, in the shortest text")
  func floats() throws {
    for value: Float in [0.1, 0.01, 1e-8, 3.14159, 1 / 3, 0.001, 16_777_216, 1e30] {
      let text = JSONValue.float(value).text
      #expect(text.count <= 12)
      #expect(try Float(#require(JSONValue(parsing: text)?.number)) == value)
    }
    #expect(JSONValue.float(0.01).text == "0.01")
  }

  @Test("a double reads back as the same double, also one that is just a float")
  func doubles() throws {
    for value: Double in [
      0.30000001192092896, Double(Float(0.1)), 0.1, 1.0 / 3, .leastNonzeroMagnitude, 1e308,
      123_456_789.125, 1e15,
    ] {
      #expect(try #require(JSONValue(parsing: JSONValue.number(value).text)?.number) == value)
    }
    // Numbers with all of their digits, on which readers miss the last bit now and then.
    var (state, wrong): (UInt64, [Double]) = (1, [])
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(Int64(bitPattern: state)) / Double(1 << 53)
      if JSONValue(parsing: JSONValue.number(value).text)?.number != value { wrong.append(value) }
    }
    #expect(wrong.isEmpty, "\(wrong.count), as \(wrong.first ?? 0)")
  }

  @Test(
    "malformed text is nothing",
    arguments: [
      "", "{", "[1,]x", "tru", "{\"a\"}", "'a'", "1 2", "[1,2", "nan", "01", "\"\\x\"", "1e999",
      "{} {}",
    ])
  func malformed(text: String) {
    #expect(JSONValue(parsing: text) == nil)
  }
}
