import Catalogs
import Comparison
import Testing

@Suite("files of envelopes")
struct EnvelopeFileTests {
  @Test("what is written reads back")
  func roundTrip() throws {
    let envelopes = [
      "a \"task\"": LossCurve(steps: [0, 195.695], losses: [2.3, 0.1]),
      "b": LossCurve(steps: [0, 1, 2], losses: [1, 1, 0.30000000000000004]),
    ]
    let text = EnvelopeFile.text(of: envelopes)
    #expect(try EnvelopeFile.envelopes(parsing: text) == envelopes)
  }

  @Test(
    "a malformed file is refused with the task and what is expected",
    arguments: [
      ("", "the file", "JSON object"), ("{}", "the file", "JSON object"),
      (#"{"a": [[0, 1]]}"#, "'a'", "two lists"), (#"{"a": [[0, 1], [1]]}"#, "'a'", "two lists"),
      (#"{"a": [[0, "x"], [1, 1]]}"#, "'a'", "two lists"),
      (#"{"a": [[0, null], [1, 1]]}"#, "'a'", "two lists"),
      (#"{"a": [[], []]}"#, "'a'", "two lists"),
      (#"{"a": [[0, 1], [1, 1], [1, 1]]}"#, "'a'", "two lists"),
      (#"{"a": [[1, 0], [1, 1]]}"#, "'a'", "steps"), (#"{"a": [[0, 1], [1, 2]]}"#, "'a'", "losses"),
      (#"{"b": [[0, 1], [2, 1]], "a": 3}"#, "'a'", "two lists"),
    ])
  func malformed(text: String, place: String, reason: String) throws {
    let error = try #require(throws: EnvelopeFileError.self) {
      try EnvelopeFile.envelopes(parsing: text)
    }
    #expect(error.place == place && error.reason.contains(reason), "\(error)")
  }
}
