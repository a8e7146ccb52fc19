import LearnedOptimizers
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
      let text = JSONValue.number(Double(value)).text
      #expect(text.count <= 12)
      #expect(try Float(#require(JSONValue(parsing: text)?.number)) == value)
    }
    #expect(JSONValue.number(Double(Float(0.01))).text == "0.01")
  }

  @Test("malformed text is nothing", arguments: ["", "{", "[1,]x", "tru", "{\"a\"}", "'a'", "1 2"])
  func malformed(text: String) {
    #expect(JSONValue(parsing: text) == nil)
  }
}
