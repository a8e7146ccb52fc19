import Files
import Foundation
import TestSupport
import Testing

@Suite("Path")
struct PathTests {
  @Test(
    "the parent and the last part are found in every spelling",
    arguments: [
      ("x", ".", "x"), ("-", ".", "-"), ("é", ".", "é"), ("a/", ".", "a"), ("a//", ".", "a"),
      ("a/b", "a", "b"), ("a//b", "a", "b"), ("a/b/", "a", "b"), ("/", "/", ""), ("//", "/", ""),
      ("/x", "/", "x"), ("//x", "/", "x"), ("/a/b", "/a", "b"), ("~", ".", "~"), ("~/x", "~", "x"),
      ("./x", ".", "x"), ("../x", "..", "x"), ("", ".", ""), (".", ".", "."), ("a/..", "a", ".."),
    ])
  func parts(path: String, parent: String, last: String) {
    #expect(Path(path).parent == Path(parent))
    #expect(Path(path).lastComponent == Array(last.utf8))
  }

  @Test("only what ends as a folder does must be one")
  func folders() {
    for path in ["a/", "/", ".", "..", "a/..", "a/.", "./"] { #expect(Path(path).mustBeFolder) }
    for path in ["a", "-", "..a", "a.", "...", "/x"] { #expect(!Path(path).mustBeFolder) }
  }

  @Test("bytes that are not UTF-8 stay as they are")
  func bytes() {
    let path = Path(bytes: [0xFF, 0x2F, 0xFE])
    #expect(path.parent.bytes == [0xFF] && path.lastComponent == [0xFE])
    #expect(path.appending("x").bytes == [0xFF, 0x2F, 0xFE, 0x2F, 0x78])
    #expect(Path("/").appending("x").bytes == Array("/x".utf8))
    #expect(path.text == "\u{FFFD}/\u{FFFD}")
  }

  #if compiler(>=6.3)
    @Test("a working directory whose name is longer than the system's calls take does no harm")
    func longFolders() async throws {
      let root = try TemporaryFolder()
      // In a process of its own, which has a working directory of its own.
      await #expect(processExitsWith: .success) { [path = root.path as String] in
        #expect(chdir(path) == 0)
        let name = String(repeating: "n", count: 250)
        for _ in 0..<20 { #expect(mkdir(name, 0o700) == 0 && chdir(name) == 0) }
        #expect(symlink("target", "link") == 0)
        try AtomicFile.write([1, 2], to: "link")
        try AtomicFile.write([3], to: "link")
        #expect(Path("link").followingLinks() == Path("./target"))
        #expect(try FileReader(path: "target").bytes() == [3])
        try OutputFile.check("fresh")
        #expect(
          try FolderState(of: ".", resumeFile: "target", startFiles: [:]) == .resumable)
        _ = try FolderClaim(".")
      }
    }
  #endif
}
