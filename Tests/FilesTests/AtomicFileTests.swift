import Files
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("AtomicFile")
struct AtomicFileTests {
  let folder: TemporaryFolder
  let path: String
  let old = Array("the old content".utf8)
  let new = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }

  init() throws {
    folder = try TemporaryFolder()
    path = try folder.write(old, named: "file")
  }

  @Test("a new file has the bytes, and nothing else is left in the folder")
  func newFile() throws {
    try AtomicFile.write(new, to: folder.file("new"))
    #expect(try contents(folder.file("new")) == new)
    try AtomicFile.write("täxt\n", to: folder.file("text"))
    #expect(try contents(folder.file("text")) == Array("täxt\n".utf8))
    try AtomicFile.write([], to: folder.file("empty"))
    #expect(try contents(folder.file("empty")) == [])
    #expect(try folder.names() == ["empty", "file", "new", "text"])
  }

  @Test("an existing file is replaced and keeps its permissions")
  func replacement() throws {
    #expect(chmod(path, 0o640) == 0)
    try AtomicFile.write(new, to: path)
    #expect(try contents(path) == new)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
  }

  @Test("a symbolic link stays, and the file behind it is replaced")
  func symbolicLink() throws {
    let link = folder.file("link")
    #expect(symlink("file", link) == 0)
    try AtomicFile.write(new, to: link)
    #expect(try contents(path) == new)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "file")
  }

  @Test("short writes and interrupted calls still write everything")
  func partialWrites() throws {
    let calls = Mutex(0)
    var system = AtomicFile.SystemCalls()
    let write = system.write
    system.write = { descriptor, start, count in
      let call = calls.withLock { calls in
        calls += 1
        return calls
      }
      if call % 3 == 0 {
        errno = EINTR
        return -1
      }
      return write(descriptor, start, min(count, 1 + call % 700))
    }
    try AtomicFile.write(new, to: path, calls: system)
    #expect(try contents(path) == new)
    #expect(calls.withLock { $0 } > 20)
  }

  @Test("a disk that fills up leaves the old file and no temporary one")
  func fullDisk() throws {
    var system = AtomicFile.SystemCalls()
    let write = system.write
    let written = Mutex(0)
    system.write = { descriptor, start, count in
      if written.withLock({ $0 }) >= 3000 {
        errno = ENOSPC
        return -1
      }
      let result = write(descriptor, start, min(count, 1000))
      written.withLock { $0 += result }
      return result
    }
    try expectFailure(of: "write", code: ENOSPC, with: system)
  }

  @Test("a write that makes no progress is an error, not an endless loop")
  func noProgress() throws {
    var system = AtomicFile.SystemCalls()
    system.write = { _, _, _ in 0 }
    try expectFailure(of: "write", code: EIO, with: system)
  }

  @Test("a failed sync or rename leaves the old file and no temporary one")
  func failedLastSteps() throws {
    var system = AtomicFile.SystemCalls()
    system.fsync = { _ in
      errno = EIO
      return -1
    }
    try expectFailure(of: "fsync", code: EIO, with: system)
    system = AtomicFile.SystemCalls()
    system.rename = { _, _ in
      errno = EROFS
      return -1
    }
    try expectFailure(of: "rename", code: EROFS, with: system)
  }

  private func expectFailure(
    of call: String, code: Int32, with calls: AtomicFile.SystemCalls
  ) throws {
    #expect(throws: FileError.cannotWrite(path: path, call: call, code: code)) {
      try AtomicFile.write(new, to: path, calls: calls)
    }
    #expect(try contents(path) == old)
    #expect(try folder.names() == ["file"])
  }

  @Test("at every step the path leads to the whole old or the whole new file")
  func wholeAtEveryStep() throws {
    let (folder, path, old, new) = (folder, path, old, new)
    let seen = Mutex<[[UInt8]]>([])
    let look: @Sendable () -> Void = {
      let bytes = (try? contents(path)) ?? []
      seen.withLock { $0.append(bytes) }
    }
    var system = AtomicFile.SystemCalls()
    let inner = system
    system.write = { descriptor, start, count in
      look()
      let result = inner.write(descriptor, start, min(count, 3000))
      look()
      return result
    }
    system.fsync = { descriptor in
      look()
      return inner.fsync(descriptor)
    }
    system.rename = { from, to in
      look()
      #expect((try? contents(from.text)) == new)
      #expect(from.parent == Path(folder.path))
      return inner.rename(from, to)
    }
    try AtomicFile.write(new, to: path, calls: system)
    let states = seen.withLock { $0 }
    #expect(states.allSatisfy { $0 == old || $0 == new })
    #expect(states.first == old && states.last == new)
  }

  @Test("a temporary file that a killed process left does not stand in the way")
  func leftover() throws {
    let name = ".l2l-\(getpid())-0.tmp"
    _ = try folder.write([1], named: name)
    try AtomicFile.write(new, to: path)
    #expect(try contents(path) == new)
    #expect(try contents(folder.file(name)) == [1])
  }

  @Test("a missing folder, a file in place of a folder and a folder are told apart")
  func badPaths() throws {
    let cases: [(String, Int32)] = [
      (folder.file("missing/file"), ENOENT), (path + "/file", ENOTDIR), (folder.path, EISDIR),
    ]
    for (bad, code) in cases {
      #expect(throws: FileError.cannotWrite(path: bad, call: "open", code: code)) {
        try AtomicFile.write(new, to: bad)
      }
    }
    #expect(try folder.names() == ["file"])
  }

  @Test("a folder without write permission is an error that says so")
  func readOnlyFolder() throws {
    #expect(chmod(folder.path, 0o500) == 0)
    defer { chmod(folder.path, 0o700) }
    #expect(throws: FileError.cannotWrite(path: path, call: "open", code: EACCES)) {
      try asOtherUser { try AtomicFile.write(new, to: path) }
    }
  }

  @Test(
    "a device is written to, not replaced, and its errors are reported",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func devices() throws {
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write(new, to: "/dev/full")
    }
    #expect(error == .cannotWrite(path: "/dev/full", call: "write", code: ENOSPC))
    #expect(
      error?.description == "cannot write '/dev/full': write: No space left on device;"
        + " free some space or choose another folder")
    try AtomicFile.write(new, to: "/dev/null")
    let attributes = try FileManager.default.attributesOfItem(atPath: "/dev/null")
    #expect(attributes[.type] as? FileAttributeType == .typeCharacterSpecial)
  }

  @Test("a link to nothing stays, and what it leads to is made")
  func danglingLinks() throws {
    let other = folder.file("other")
    #expect(mkdir(other, 0o700) == 0)
    for (link, target, made) in [
      ("near", "new", folder.file("new")), ("far", "other/new", other + "/new"),
      ("absolute", "\(other)/second", other + "/second"), ("chain", "near", folder.file("new")),
    ] {
      #expect(symlink(target, folder.file(link)) == 0)
      try AtomicFile.write(new, to: folder.file(link))
      #expect(try contents(made) == new)
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: folder.file(link)) == target)
    }
    #expect(symlink("loop", folder.file("loop")) == 0)
    #expect(throws: FileError.cannotWrite(path: folder.file("loop"), call: "open", code: ELOOP)) {
      try AtomicFile.write(new, to: folder.file("loop"))
    }
  }

  @Test("names of one character, with a dash, with a tilde, or no UTF-8 behind a link work")
  func oddNames() throws {
    for name in ["x", "-", "é", "~", "--output", " ", "a\u{301}"] {
      try AtomicFile.write(new, to: folder.file(name))
      #expect(try contents(folder.file(name)) == new)
    }
    let bytes = Path(folder.path).appending([0xFF, 0xFE])
    #expect(bytes.withCString { mkdir($0, 0o700) } == 0)
    #expect(bytes.appending("x").withCString { symlink($0, folder.file("bytes")) } == 0)
    try AtomicFile.write(new, to: folder.file("bytes"))
    #expect(try contents(folder.file("bytes")) == new)
    #expect(throws: FileError.noName) { try AtomicFile.write(new, to: "") }
    #expect(throws: FileError.self) { try AtomicFile.write(new, to: folder.file("a\0b")) }
    #expect(throws: FileError.cannotWrite(path: folder.file("y/"), call: "open", code: EISDIR)) {
      try AtomicFile.write(new, to: folder.file("y/"))
    }
  }

  @Test("a pipe without a reader is an error after a while, one with a reader gets the bytes")
  func pipes() throws {
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    var calls = AtomicFile.SystemCalls()
    calls.patience = 0.1
    #expect(throws: FileError.cannotWrite(path: pipe, call: "open", code: ENXIO)) {
      try AtomicFile.write(new, to: pipe, calls: calls)
    }
    let reader = open(pipe, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    try AtomicFile.write(old, to: pipe, calls: calls)
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(read(reader, &bytes, 100) == old.count)
    #expect(Array(bytes.prefix(old.count)) == old)
    let large = [UInt8](repeating: 1, count: 1 << 20)
    #expect(throws: FileError.cannotWrite(path: pipe, call: "write", code: EAGAIN)) {
      try AtomicFile.write(large, to: pipe, calls: calls)
    }
  }

  #if compiler(>=6.3)
    @Test("a file-size limit is an error that names it, and leaves no temporary file")
    func fileSizeLimit() async throws {
      // In a process of its own: the limit would be one of all tests.
      await #expect(processExitsWith: .success) { [path = path as String, new = new as [UInt8]] in
        try Limit.fileSize.set(to: 4096)
        let error = #expect(throws: FileError.self) { try AtomicFile.write(new, to: path) }
        #expect(error == .cannotWrite(path: path, call: "write", code: EFBIG))
        // The signal is gone, not only put off.
        var pending = sigset_t()
        #expect(sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 0)
      }
      #expect(try contents(path) == old)
      #expect(try folder.names() == ["file"])
    }
  #endif
}
