import Files
import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Reading safetensors files from disk")
struct SafetensorsReadingTests {
  @Test("an error names the file, and its line says offset and reason")
  func malformedFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      malformed(#"{"__metadata__":{"a":1}}"#), named: "bad.safetensors")
    let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: path) }
    #expect(error == .malformed(path: path, offset: 29, reason: .metadataNotString(key: "a")))
    let line = "\(try #require(error))"
    #expect(
      line == "'\(path)' is not a valid safetensors file: at byte 29, the metadata value of 'a' is"
        + " not a string; use a file that is complete and unchanged")
  }

  @Test("control characters from the file do not reach the terminal")
  func hostileName() throws {
    let header = #"{"\u001b[31m\n":{"dtype":"X"}}"#
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(bytes: malformed(header))
    }
    let line = "\(try #require(error))"
    #expect(line.contains(#"'\u{1b}[31m\u{a}'"#))
    #expect(!line.contains("\u{1b}") && !line.contains("\n"))
  }

  @Test("a missing file, a folder and a pipe are told apart")
  func notAFile() throws {
    let folder = try TemporaryFolder()
    let missing = folder.file("missing")
    #expect(throws: SafetensorsError.file(.cannotRead(path: missing, call: "open", code: ENOENT))) {
      try SafetensorsFile(contentsOf: missing)
    }
    #expect(throws: SafetensorsError.file(.notARegularFile(path: folder.path))) {
      try SafetensorsFile(contentsOf: folder.path)
    }
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: SafetensorsError.file(.notARegularFile(path: pipe))) {
      try SafetensorsFile(contentsOf: pipe)
    }
  }

  @Test("a huge file with a broken header is refused before its data is read")
  func hugeFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(malformed("{}"), named: "huge")
    let size = 1 << 42
    try #require(truncate(path, off_t(size)) == 0)
    let expected = SafetensorsError.malformed(
      path: path, offset: 10, reason: .trailingBytes(size - 10))
    #expect(throws: expected) { try SafetensorsFile(contentsOf: path) }
  }

  @Test("a file cut at any byte is refused, in memory as on disk")
  func truncations() throws {
    let folder = try TemporaryFolder()
    let bytes = try SafetensorsFileTests.example().serialized()
    for count in 0..<bytes.count {
      let cut = Array(bytes[..<count])
      let inMemory = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: cut) }
      let path = try folder.write(cut, named: "cut")
      let onDisk = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: path) }
      guard case .malformed(_, let offset, let reason) = inMemory else { continue }
      #expect(onDisk == .malformed(path: path, offset: offset, reason: reason), "\(count) bytes")
      #expect(offset <= bytes.count)
    }
  }

  @Test("random changes of a file never crash, and what is accepted is consistent")
  func randomChanges() throws {
    let original = try SafetensorsFileTests.example().serialized()
    var state: UInt64 = 20_240_229
    func random(below bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let alphabet = Array("{}[]\",:0123456789-e.\\ut ".utf8)
    var refused = 0
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0...random(below: 4) {
        let index = random(below: bytes.count)
        switch random(below: 4) {
        case 0: bytes[index] = UInt8(random(below: 256))
        case 1: bytes[index] = alphabet[random(below: alphabet.count)]
        case 2: bytes.remove(at: index)
        default: bytes.insert(alphabet[random(below: alphabet.count)], at: index)
        }
      }
      do {
        let file = try SafetensorsFile(bytes: bytes)
        for name in file.names { _ = try? file[name]?.floats() }
        #expect(try SafetensorsFile(bytes: file.serialized()) == file)
      } catch {
        refused += 1
        #expect(error.description.utf8.count < 2000)
      }
    }
    #expect(refused > 10_000)
  }
}
