import Settings
import Testing

private enum Colour: String, CaseIterable { case red, green, blue }

@Suite("Choices")
struct ChoicesTests {
  @Test("names between commas are read in their order, and written back")
  func reading() {
    let choices = Choices<Colour>(settingTexts: ["blue,red"])
    #expect(choices?.elements == [.blue, .red])
    #expect(choices?.settingText == "blue,red")
    #expect(choices.flatMap { Choices<Colour>(settingJSON: $0.settingJSON) } == choices)
    #expect(Choices<Colour>(settingTexts: ["green"])?.elements == [.green])
  }

  @Test(
    "unknown, repeated and missing names are refused",
    arguments: ["", "red,", ",red", "red,,blue", "red,red", "pink", "red, blue", "RED", "red;blue"])
  func refused(text: String) {
    #expect(Choices<Colour>(settingTexts: [text]) == nil)
  }

  @Test(
    "in JSON they are a list of strings",
    arguments: ["[]", "\"red\"", "[1]", "[\"red\",\"red\"]", "[\"pink\"]", "{}", "null"])
  func refusedJSON(text: String) throws {
    #expect(Choices<Colour>(settingJSON: try #require(JSONValue(parsing: text))) == nil)
  }

  @Test("what may be given names all of them")
  func expectation() {
    #expect(
      Choices<Colour>.expectation(.any)
        == "one or more of red, green, blue, separated by commas")
  }
}
