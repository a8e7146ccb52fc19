import Files
import Foundation
import TestSupport
import Testing

@Suite("OutputFile")
struct OutputFileTests {
  let folder: TemporaryFolder
  let input: String

  init() throws {
    folder = try TemporaryFolder()
    input = try folder.write([1], named: "input")
  }

  @Test("a new file can be made, and the check leaves nothing behind")
  func newFiles() throws {
    for name in ["x", "-", "é", "~", "new.csv"] { try OutputFile.check(folder.file(name)) }
    #expect(symlink("target", folder.file("link")) == 0)
    try OutputFile.check(folder.file("link"), inputs: [input, "missing"])
    #expect(try folder.names() == ["input", "link"])
  }

  @Test("an input is never an output, whatever the two are called")
  func inputs() throws {
    #expect(symlink("input", folder.file("soft")) == 0)
    #expect(link(input, folder.file("hard")) == 0)
    for name in ["input", "soft", "hard", "./input", "../\(Self.last(folder.path))/input"] {
      let output = folder.file(name)
      for mayReplace in [false, true] {
        #expect(throws: FileError.isInput(path: output, input: input)) {
          try OutputFile.check(output, inputs: ["none", input], mayReplace: mayReplace)
        }
      }
    }
    #expect(throws: FileError.isInput(path: folder.path, input: folder.path)) {
      try OutputFile.check(folder.path, inputs: [folder.path])
    }
    try OutputFile.check("/dev/null", inputs: ["/dev/null"])
  }

  private static func last(_ path: String) -> String {
    String(decoding: Path(path).lastComponent, as: UTF8.self)
  }

  @Test("a file that is there is not overwritten unless asked for")
  func existing() throws {
    #expect(throws: FileError.exists(path: input)) { try OutputFile.check(input) }
    try OutputFile.check(input, mayReplace: true)
    #expect(try contents(input) == [1])
  }

  @Test("what can't be made is told before the work, with the reason")
  func impossible() throws {
    let cases: [(String, Int32)] = [
      ("missing/", ENOENT), ("missing/x", ENOENT), ("input/x", ENOTDIR), ("input/", ENOTDIR),
      (".", EISDIR), ("", EISDIR), (String(repeating: "n", count: 300), ENAMETOOLONG),
    ]
    for (name, code) in cases {
      #expect(throws: FileError.cannotWrite(path: folder.file(name), call: "open", code: code)) {
        try OutputFile.check(folder.file(name))
      }
    }
    #expect(throws: FileError.noName) { try OutputFile.check("") }
  }

  @Test("a folder that may not be written to is told")
  func permissions() throws {
    #expect(chmod(folder.path, 0o555) == 0)
    defer { chmod(folder.path, 0o700) }
    let output = folder.file("x")
    #expect(throws: FileError.cannotWrite(path: output, call: "open", code: EACCES)) {
      try asOtherUser { try OutputFile.check(output) }
    }
    // Neither root nor anybody else can make files there, though access(2) says so.
    #expect(throws: FileError.self) { try OutputFile.check("/proc/x") }
  }

  @Test("a descriptor that is open is written into, also when it leads to a file")
  func descriptors() throws {
    let descriptor = open(input, O_WRONLY | O_APPEND)
    defer { close(descriptor) }
    try OutputFile.check("/dev/fd/\(descriptor)")
    try AtomicFile.write([2], to: "/dev/fd/\(descriptor)")
    #expect(try contents(input) == [1, 2])
  }

  @Test("a pipe is taken without waiting for its reader")
  func pipe() throws {
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    try OutputFile.check(folder.file("pipe"))
  }
}
