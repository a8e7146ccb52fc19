import Files
import Foundation
import TestSupport
import Testing

@Suite("Text for shells and people")
struct TextTests {
  private static let samples = [
    "run", "a b", "it's", "", "$HOME", "~", "~/x", "a;b", "`x`", "\"x\"", "\\", "a\nb", "\t", "é",
    "a'\u{301}b", "-x", "--", "*", "a=b", "(x)", "!x", "#x", "a\u{1B}[2Jb", "\u{7F}1", "'\n'",
  ]

  @Test("a shell takes a quoted word as it was", arguments: TextTests.samples)
  func words(word: String) throws {
    let shell = try ToolRun("/bin/bash", ["-c", "printf '%s' \(ShellWord.quoted(word))"])
    #expect(shell.output == Array(word.utf8))
    #expect(!ShellWord.quoted(word).utf8.contains { $0 < 0x20 })
  }

  @Test("plain words stay plain")
  func plain() {
    for word in ["run", "./a/b-c_d.1", "x=1,2", "a:b", "é"] {
      #expect(ShellWord.quoted(word) == word)
    }
    #expect(ShellWord.quoted("a b") == "'a b'")
  }

  @Test("a sentence shows no control characters, and says what to do")
  func sentences() {
    let error = FileError.cannotWrite(path: "a\u{1B}[2J\u{202E}b", call: "write", code: EFBIG)
    #expect(
      error.description == "cannot write 'a\\u{1b}[2J\\u{202e}b': write: File too large;"
        + " the limit of file sizes (ulimit -f) is too low; raise it")
    for error: FileError in [
      .noName, .exists(path: "x"), .isInput(path: "a", input: "b"),
      .claimed(path: "x"),
    ] {
      #expect(error.description.contains("; "))
    }
  }

  @Test("arguments that are not UTF-8 are refused, others are taken as they are")
  func arguments() throws {
    func strings(_ values: [[UInt8]]) throws -> [String] {
      var pointers = values.map { strdup(String(repeating: "x", count: $0.count)) }
      defer { for pointer in pointers { free(pointer) } }
      for (pointer, bytes) in zip(pointers, values) {
        for (index, byte) in bytes.enumerated() { pointer?[index] = CChar(bitPattern: byte) }
      }
      return try pointers.withUnsafeMutableBufferPointer { buffer in
        let start = try #require(buffer.baseAddress)
        return try ProgramArguments.strings(Int32(values.count), start)
      }
    }
    let program = Array("l2l".utf8)
    #expect(try strings([program]) == [])
    #expect(
      try strings([[0xFF], Array("e\u{301}".utf8)]).map { Array($0.utf8) } == [
        Array("e\u{301}".utf8)
      ])
    #expect(throws: FileError.notUTF8(text: "--output=\u{FFFD}")) {
      try strings([program, Array("--output=".utf8) + [0xFF]])
    }
    // One that is there: to set one while other tests start programs would pull the list from under them.
    #expect(
      try ProgramArguments.variable("PATH") == ProcessInfo.processInfo.environment["PATH"])
    #expect(try ProgramArguments.variable("L2L_TEST_NONE") == nil)
  }
}
