import Files
import Foundation
import TestSupport
import Testing

@Suite("FolderState, FolderClaim and TemporaryFiles")
struct FolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func state(_ path: String? = nil) throws -> FolderState {
    try FolderState(
      of: path ?? folder.path, resumeFile: "state", startFiles: ["metrics.csv": 10])
  }

  @Test("a folder that holds only what a start makes is fresh")
  func fresh() throws {
    #expect(try state(folder.file("missing")) == .missing)
    #expect(try state() == .fresh)
    _ = try folder.write(Array("header\n".utf8), named: "metrics.csv")
    _ = try folder.write(Array(repeating: 0, count: 100), named: ".l2l-123-0.tmp")
    #expect(try state() == .fresh)
  }

  @Test("rows, a net, another file and a subfolder are somebody's")
  func foreign() throws {
    _ = try folder.write(Array(repeating: 0x31, count: 11), named: "metrics.csv")
    #expect(try state() == .foreign(name: "metrics.csv"))
    _ = try folder.write([1], named: "cw.safetensors")
    #expect(try state() == .foreign(name: "cw.safetensors"))
    _ = try folder.write([1], named: "state")
    #expect(try state() == .resumable)
    let other = try TemporaryFolder()
    #expect(mkdir(other.file("metrics.csv"), 0o700) == 0)
    #expect(try state(other.path) == .foreign(name: "metrics.csv"))
    let hidden = try TemporaryFolder()
    _ = try hidden.write([], named: ".l2l-12x-0.tmp")
    #expect(try state(hidden.path) == .foreign(name: ".l2l-12x-0.tmp"))
  }

  @Test("no folder, no permission and a link to nothing are told apart from nothing")
  func unreadable() throws {
    let file = try folder.write([1], named: "file")
    #expect(throws: FileError.cannotRead(path: file, call: "opendir", code: ENOTDIR)) {
      try state(file)
    }
    let inside = folder.file("file/x")
    #expect(throws: FileError.cannotRead(path: inside, call: "stat", code: ENOTDIR)) {
      try state(inside)
    }
    #expect(symlink("nothing", folder.file("link")) == 0)
    #expect(throws: FileError.cannotRead(path: folder.file("link"), call: "stat", code: ENOENT)) {
      try state(folder.file("link"))
    }
    let closed = folder.file("closed")
    #expect(mkdir(closed, 0o700) == 0 && mkdir(closed + "/in", 0o700) == 0)
    #expect(chmod(closed, 0o333) == 0)
    #expect(throws: FileError.cannotRead(path: closed, call: "opendir", code: EACCES)) {
      try asOtherUser { try state(closed) }
    }
    #expect(chmod(closed, 0) == 0)
    #expect(throws: FileError.cannotRead(path: closed + "/in", call: "stat", code: EACCES)) {
      try asOtherUser { try state(closed + "/in") }
    }
  }

  @Test("one process has a folder at a time, and a folder that can't be locked is refused")
  func claims() throws {
    // A lock belongs to an open file, so a second claim of this process is one of another's.
    var claim: FolderClaim? = try FolderClaim(folder.path)
    #expect(throws: FileError.claimed(path: folder.path)) { try FolderClaim(folder.path) }
    withExtendedLifetime(claim) {}
    claim = nil
    _ = try FolderClaim(folder.path)
    #expect(chmod(folder.path, 0o333) == 0)
    #expect(throws: FileError.cannotRead(path: folder.path, call: "open", code: EACCES)) {
      try asOtherUser { try FolderClaim(folder.path) }
    }
    #expect(chmod(folder.path, 0o555) == 0)
    #expect(throws: FileError.cannotWrite(path: folder.path, call: "open", code: EACCES)) {
      try asOtherUser { try FolderClaim(folder.path) }
    }
    #expect(chmod(folder.path, 0o700) == 0)
  }

  @Test("a claim removes the temporary files of dead processes, and nothing else")
  func leftovers() throws {
    var dead: pid_t = 99_999
    while kill(dead, 0) == 0 || errno != ESRCH { dead -= 1 }
    let old = [".l2l-\(dead)-0.tmp", ".l2l-\(dead)-17.tmp", ".l2l-\(dead)-probe.tmp"]
    let kept = [
      ".l2l-\(getpid())-0.tmp", ".l2l-\(dead)-x.tmp", ".l2l-\(dead).tmp", "l2l-\(dead)-0.tmp",
      ".l2l--1-0.tmp", ".l2l-0-0.tmp",
    ]
    for name in old + kept {
      _ = try folder.write([1], named: name)
      let time = timeval(tv_sec: 1_000_000_000, tv_usec: 0)
      #expect(utimes(folder.file(name), [time, time]) == 0)
    }
    let young = ".l2l-\(dead)-1.tmp"
    _ = try folder.write([1], named: young)
    #expect(symlink(old[0], folder.file(".l2l-\(dead)-2.tmp")) == 0)
    #expect(mkdir(folder.file(".l2l-\(dead)-3.tmp"), 0o700) == 0)
    _ = try FolderClaim(folder.path)
    let expected = kept + [young, ".l2l-\(dead)-2.tmp", ".l2l-\(dead)-3.tmp"]
    #expect(try folder.names() == expected.sorted())
    #expect(TemporaryFiles.removeLeftovers(in: folder.path, olderThan: 0) == 1)
    #expect(TemporaryFiles.removeLeftovers(in: folder.file("missing")) == 0)
  }

  @Test("missing parents are made, and removed again when the last one can't be")
  func parents() throws {
    let made = try Folder.make(folder.file("a/b//c/"))
    #expect(made.count == 3)
    #expect(try FolderState(of: folder.file("a/b/c"), resumeFile: "x", startFiles: [:]) == .fresh)
    #expect(try Folder.make(folder.file("a/b")) == [])
    Folder.remove(made)
    #expect(try folder.names() == [])
    _ = try folder.write([1], named: "file")
    #expect(
      throws: FileError.cannotWrite(
        path: folder.file("file"), call: "mkdir", code: ENOTDIR)
    ) {
      try Folder.make(folder.file("file"))
    }
    #expect(throws: FileError.self) { try Folder.make(folder.file("file/x/y")) }
    #expect(throws: FileError.self) {
      try Folder.make(folder.file("new/\(String(repeating: "n", count: 300))"))
    }
    #expect(try folder.names() == ["file"])
  }
}
