import Foundation
import Safetensors
import Testing

/// A file with the header as given, its length in front and data behind.
func malformed(_ header: String, data: [UInt8] = []) -> [UInt8] {
  malformed(Array(header.utf8), data: data)
}

/// A file with the bytes of a header as given, its length in front and data behind.
func malformed(_ header: [UInt8], data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
}

/// A header for which the file must be refused.
struct MalformedCase: CustomTestStringConvertible, Sendable {
  let header: String
  var data = 0
  /// The part of the header where the error must be reported, or a place behind the header.
  var at: Place
  let reason: SafetensorsError.Reason

  enum Place: Sendable {
    case text(String)
    case last(String)
    case data(Int)
  }

  var testDescription: String { "\(reason)" }

  var offset: Int? {
    switch at {
    case .text(let part): header.range(of: part).map { 8 + header[..<$0.lowerBound].utf8.count }
    case .last(let part):
      header.range(of: part, options: .backwards).map { 8 + header[..<$0.lowerBound].utf8.count }
    case .data(let index): 8 + header.utf8.count + index
    }
  }
}

@Suite("Malformed safetensors files")
struct MalformedFileTests {
  static let deep = String(repeating: "[", count: 1_000_000)

  static let structure: [MalformedCase] = [
    .init(header: "", at: .data(0), reason: .unexpectedJSON(expected: "an object")),
    .init(header: "[1]", at: .text("["), reason: .unexpectedJSON(expected: "an object")),
    .init(header: "{", at: .data(0), reason: .unexpectedJSON(expected: "a string")),
    .init(header: "{}x", at: .text("x"), reason: .unexpectedJSON(expected: "its end")),
    .init(header: "{1:2}", at: .text("1"), reason: .unexpectedJSON(expected: "a string")),
    .init(header: #"{"a" 1}"#, at: .text("1"), reason: .unexpectedJSON(expected: "':'")),
    .init(header: #"{"a":null}"#, at: .text("n"), reason: .unexpectedJSON(expected: "an object")),
    .init(
      header: #"{"__metadata__":{},}"#, at: .last("}"),
      reason: .unexpectedJSON(expected: "a string")),
    .init(
      header: #"{"__metadata__":{} "a":1}"#, at: .text(#""a""#),
      reason: .unexpectedJSON(expected: "',' or '}'")),
    .init(
      header: #"{"abc"#, at: .data(0), reason: .unexpectedJSON(expected: "the end of the string")),
    .init(
      header: "{\"a\nb\":1}", at: .text("\n"),
      reason: .unexpectedJSON(expected: "no control character in a string")),
    .init(
      header: #"{"\x":1}"#, at: .text("\\"),
      reason: .unexpectedJSON(expected: "a valid escape sequence")),
    .init(
      header: #"{"\ud800":1}"#, at: .text("\\"),
      reason: .unexpectedJSON(expected: "a valid escape sequence")),
    .init(
      header: #"{"\u00g0":1}"#, at: .text("g"),
      reason: .unexpectedJSON(expected: "four hexadecimal digits")),
    .init(
      header: "{\"a\":" + deep, at: .text("["), reason: .unexpectedJSON(expected: "an object")),
    .init(
      header: #"{"a":{"shape":[ "# + deep, at: .text("[["),
      reason: .unexpectedJSON(expected: "a whole number")),
  ]

  static let fields: [MalformedCase] = [
    .init(
      header: #"{"__metadata__":{"a":1}}"#, at: .text("1"), reason: .metadataNotString(key: "a")),
    .init(
      header: #"{"__metadata__":[]}"#, at: .text("["),
      reason: .unexpectedJSON(expected: "an object")),
    .init(
      header: #"{"__metadata__":{"a":"1","a":"1"}}"#, at: .last(#""a""#),
      reason: .duplicateKey("a")),
    .init(
      header: #"{"__metadata__":{},"__metadata__":{}}"#, at: .last(#""__m"#),
      reason: .duplicateKey("__metadata__")),
    .init(
      header:
        #"{"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"F32"}}"#,
      at: .text(#""\u0077""#), reason: .duplicateKey("w")),
    .init(
      header: #"{"w":{"dtype":"F32","dtype":"F32"}}"#, at: .last(#""dtype""#),
      reason: .duplicateKey("dtype")),
    .init(
      header: #"{"w":{"shape":[0],"data_offsets":[0,0]}}"#, at: .text(#""w""#),
      reason: .missingField(array: "w", field: "dtype")),
    .init(
      header: #"{"w":{"dtype":"F32","data_offsets":[0,0]}}"#, at: .text(#""w""#),
      reason: .missingField(array: "w", field: "shape")),
    .init(
      header: #"{"w":{"dtype":"F32","shape":[0]}}"#, at: .text(#""w""#),
      reason: .missingField(array: "w", field: "data_offsets")),
    .init(
      header: #"{"w":{"color":1}}"#, at: .text(#""color""#),
      reason: .unknownField(array: "w", field: "color")),
    .init(
      header: #"{"w":{"dtype":"F99"}}"#, at: .text(#""F99""#),
      reason: .unknownType(array: "w", type: "F99")),
    .init(
      header: #"{"w":{"dtype":32}}"#, at: .text("32"),
      reason: .unexpectedJSON(expected: "a string")),
  ]

  static let numbers: [MalformedCase] = [
    .init(header: #"{"w":{"shape":[2,-1]}}"#, at: .text("-1"), reason: .negativeNumber(array: "w")),
    .init(
      header: #"{"w":{"shape":[1.5]}}"#, at: .text(".5"),
      reason: .unexpectedJSON(expected: "a whole number")),
    .init(
      header: #"{"w":{"shape":[1e3]}}"#, at: .text("e3"),
      reason: .unexpectedJSON(expected: "a whole number")),
    .init(
      header: #"{"w":{"shape":[01]}}"#, at: .text("1]"),
      reason: .unexpectedJSON(expected: "no leading zero")),
    .init(
      header: #"{"w":{"shape":["2"]}}"#, at: .text(#""2""#),
      reason: .unexpectedJSON(expected: "a whole number")),
    .init(
      header: #"{"w":{"shape":[9223372036854775808]}}"#, at: .text("9"),
      reason: .numberTooLarge(array: "w")),
    .init(
      header: #"{"w":{"shape":[\#(String(repeating: "1,", count: 32))7]}}"#, at: .text("7"),
      reason: .tooManyAxes(array: "w", limit: 32)),
    .init(
      header:
        #"{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
      at: .text("[4"), reason: .shapeOverflow(array: "w")),
    .init(
      header: #"{"w":{"dtype":"F64","shape":[2305843009213693952,0],"data_offsets":[0,0]}}"#,
      at: .text("[2"), reason: .shapeOverflow(array: "w")),
    .init(
      header: #"{"w":{"data_offsets":[0]}}"#, at: .text("[0"),
      reason: .unexpectedJSON(expected: "two offsets")),
    .init(
      header: #"{"w":{"data_offsets":[0,1,2]}}"#, at: .text("2]"),
      reason: .unexpectedJSON(expected: "']' after two offsets")),
    .init(
      header: #"{"w":{"data_offsets":[0 1]}}"#, at: .text("1"),
      reason: .unexpectedJSON(expected: "',' or ']'")),
  ]

  static let layout: [MalformedCase] = [
    .init(
      header: #"{"w":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}"#, data: 2, at: .text("[2"),
      reason: .offsetsReversed(array: "w", begin: 2, end: 1)),
    .init(
      header: #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4, at: .text("[0"),
      reason: .sizeMismatch(array: "w", expected: 8, found: 4)),
    .init(
      header: #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 7, at: .text("[0"),
      reason: .dataBeyondEnd(array: "w", end: 8, available: 7)),
    .init(
      header:
        #"{"w":{"dtype":"U8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}}"#,
      data: 3, at: .text("[0"),
      reason: .dataBeyondEnd(array: "w", end: 1 << 62, available: 3)),
    .init(
      header: #"{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""v":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
      data: 3, at: .data(1), reason: .overlap(array: "v", with: "w")),
    .init(
      header: #"{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""v":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}}"#,
      data: 7, at: .data(2), reason: .hole(before: "v", bytes: 3)),
    .init(
      header: #"{"w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, data: 3, at: .data(0),
      reason: .hole(before: "w", bytes: 1)),
    .init(
      header: #"{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: 6, at: .data(2),
      reason: .trailingBytes(4)),
    .init(header: "{}", data: 1, at: .data(0), reason: .trailingBytes(1)),
  ]

  @Test("a broken header is refused with offset and reason", arguments: structure + fields)
  func brokenHeader(_ example: MalformedCase) { check(example) }

  @Test("broken numbers are refused with offset and reason", arguments: numbers)
  func brokenNumbers(_ example: MalformedCase) { check(example) }

  @Test("arrays that do not cover the data once are refused", arguments: layout)
  func brokenLayout(_ example: MalformedCase) { check(example) }

  private func check(_ example: MalformedCase) {
    let bytes = malformed(example.header, data: [UInt8](repeating: 0, count: example.data))
    let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: bytes) }
    guard let offset = example.offset else {
      Issue.record("the header has no such part")
      return
    }
    #expect(error == .malformed(path: nil, offset: offset, reason: example.reason))
  }

  @Test("text that is not UTF-8 is refused where its string starts")
  func invalidUTF8() {
    let bytes = malformed(Array("{\"a".utf8) + [0xff] + Array("\":1}".utf8))
    #expect(throws: SafetensorsError.malformed(path: nil, offset: 9, reason: .invalidUTF8)) {
      try SafetensorsFile(bytes: bytes)
    }
  }

  @Test("a file without room for the header's length is refused", arguments: 0..<8)
  func shortFile(count: Int) {
    let expected = SafetensorsError.malformed(
      path: nil, offset: 0, reason: .missingHeaderLength(fileBytes: count))
    #expect(throws: expected) { try SafetensorsFile(bytes: [UInt8](repeating: 0, count: count)) }
  }

  @Test("a header length over the limit or behind the end is refused")
  func headerLength() {
    let limit = SafetensorsFile.maximumHeaderLength
    let tooLong = SafetensorsError.malformed(
      path: nil, offset: 0, reason: .headerTooLong(length: .max, limit: limit))
    #expect(throws: tooLong) { try SafetensorsFile(bytes: [UInt8](repeating: 0xff, count: 100)) }
    let beyond = SafetensorsError.malformed(
      path: nil, offset: 0, reason: .headerBeyondEnd(length: 3, available: 2))
    #expect(throws: beyond) { try SafetensorsFile(bytes: [3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]) }
  }
}
