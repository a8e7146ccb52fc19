import Safetensors
import TestSupport
import Testing

@Suite("SafetensorsFile")
struct SafetensorsFileTests {
  /// Two metadata strings, four arrays, one of them empty.
  static func example() -> SafetensorsFile {
    var file = SafetensorsFile(metadata: ["b": "two", "a": "line\nbreak \"quoted\" \\ é 🙂\u{1}"])
    file.append(
      SafetensorsArray(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3]), named: "lstm_1/w_gates")
    file.append(SafetensorsArray(type: .bool, shape: [3], bytes: [0, 1, 1]), named: "flags")
    file.append(SafetensorsArray(floats: [], shape: [0, 4]), named: "none")
    file.append(SafetensorsArray(uint64s: [.max], shape: []), named: "rng \"x\"")
    return file
  }

  @Test("what is written is read back, in the same order")
  func roundTrip() throws {
    let file = Self.example()
    let again = try SafetensorsFile(bytes: file.serialized())
    #expect(again == file)
    #expect(again.names == ["lstm_1/w_gates", "flags", "none", "rng \"x\""])
    #expect(try again["lstm_1/w_gates"]?.floats() == [1, 2, 3, 4, 5, 6])
    #expect(again["absent"] == nil)
  }

  @Test("a round trip through a file on disk keeps everything")
  func roundTripOnDisk() throws {
    let folder = try TemporaryFolder()
    try Self.example().write(to: folder.file("cw.safetensors"))
    #expect(try SafetensorsFile(contentsOf: folder.file("cw.safetensors")) == Self.example())
    #expect(try folder.names() == ["cw.safetensors"])
  }

  @Test("the bytes are those of the format, metadata sorted and data at a multiple of eight")
  func layout() throws {
    var file = SafetensorsFile(metadata: ["z": "1", "a": "2"])
    file.append(SafetensorsArray(floats: [1], shape: [1]), named: "w")
    let header =
      #"{"__metadata__":{"a":"2","z":"1"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let length = [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0]
    #expect(try file.serialized() == length + Array(padded.utf8) + [0, 0, 0x80, 0x3f])
  }

  @Test("numbers of every width lie at a multiple of it, in whatever order they were added")
  func alignment() throws {
    var file = SafetensorsFile()
    let types: [SafetensorsType] = [.uint8, .float32, .float64, .bool, .float16, .int64, .float32]
    for (index, type) in types.enumerated() {
      let bytes = [UInt8](repeating: UInt8(index), count: 3 * type.byteCount)
      file.append(SafetensorsArray(type: type, shape: [3], bytes: bytes), named: "\(index)")
    }
    let bytes = try file.serialized()
    let again = try SafetensorsFile(bytes: bytes)
    #expect(again == file && again.names == file.names)
    for (index, type) in types.enumerated() {
      let start = try #require(bytes.firstRange(of: again["\(index)"]?.bytes ?? [])?.lowerBound)
      #expect(start % type.byteCount == 0, "\(type)")
    }
  }

  @Test("canonically equivalent names are names of two arrays")
  func equivalentNames() throws {
    var file = SafetensorsFile()
    for (index, name) in ["\u{e9}", "e\u{301}"].enumerated() {
      file.append(SafetensorsArray(floats: [Float(index)], shape: []), named: name)
    }
    let again = try SafetensorsFile(bytes: file.serialized())
    #expect(try again["\u{e9}"]?.floats() == [0])
    #expect(try again["e\u{301}"]?.floats() == [1])
  }

  @Test("equal contents give equal bytes, however the metadata was put together")
  func determinism() throws {
    var forward = SafetensorsFile()
    var backward = SafetensorsFile()
    for index in 0..<50 { forward.metadata["key\(index)"] = "\(index)" }
    for index in (0..<50).reversed() { backward.metadata["key\(index)"] = "\(index)" }
    #expect(try forward.serialized() == backward.serialized())
  }

  @Test("a content without arrays and metadata is a valid file")
  func emptyContent() throws {
    let bytes = try SafetensorsFile().serialized()
    #expect(try SafetensorsFile(bytes: bytes) == SafetensorsFile())
  }

  @Test("white space, escapes and any order of keys and data are accepted")
  func foreignSpelling() throws {
    let header = """
       { "b" : {"data_offsets":[4, 8], "shape" : [ ], "dtype":"F32"} ,\t
      "\\u0061\\n\\ud83d\\ude42": {"dtype":"I8","shape":[2,2],"data_offsets":[0,4]} }
      """
    let file = try SafetensorsFile(bytes: malformed(header, data: [1, 2, 3, 4, 0, 0, 0x80, 0x3f]))
    #expect(file.names == ["b", "a\n🙂"])
    #expect(try file["b"]?.floats() == [1])
    #expect(try file["a\n🙂"]?.int64s() == [1, 2, 3, 4])
  }

  @Test("the first number that is not finite is named, in every type that has such")
  func notFinite() throws {
    let cases: [(SafetensorsArray, Int?)] = [
      (SafetensorsArray(floats: [0, -.infinity, .nan], shape: [3]), 1),
      (
        SafetensorsArray(
          floats: [.greatestFiniteMagnitude, -0.0, .leastNonzeroMagnitude], shape: [3]), nil
      ),
      (SafetensorsArray(doubles: [1e308, .nan], shape: [2]), 1),
      (SafetensorsArray(doubles: [1e308, -1e308], shape: [2]), nil),
      (SafetensorsArray(type: .float16, shape: [2], bytes: [0xff, 0x7b, 0x00, 0xfc]), 1),
      (SafetensorsArray(type: .bfloat16, shape: [2], bytes: [0x7f, 0x7f, 0xc0, 0x7f]), 1),
      (SafetensorsArray(type: .uint16, shape: [1], bytes: [0xff, 0xff]), nil),
      (SafetensorsArray(uint64s: [.max], shape: []), nil),
    ]
    for (array, index) in cases {
      #expect(array.firstNotFinite == index)
      var file = Self.example()
      try file.requireFinite()
      file.append(array, named: "x")
      try file.requireFinite { $0 != "x" }
      if let index {
        let error = SafetensorsError.notFinite(path: "net", array: "x", index: index)
        #expect(throws: error) { try file.requireFinite(in: "net") }
        #expect(error.description.contains("'net'") && error.description.contains("'x'"))
      } else {
        try file.requireFinite()
      }
    }
  }

  @Test("a header that no reader would accept is not written")
  func oversizedHeader() {
    let value = String(repeating: "x", count: SafetensorsFile.maximumHeaderLength)
    let file = SafetensorsFile(metadata: ["a": value])
    #expect(throws: SafetensorsError.self) { try file.serialized() }
  }
}
