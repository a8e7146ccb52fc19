import Foundation
import Safetensors
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
    #expect(throws: SafetensorsError.cannotWrite(path: path, call: call, code: code)) {
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
      #expect((try? contents(from)) == new)
      #expect((from as NSString).deletingLastPathComponent == folder.path)
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
      #expect(throws: SafetensorsError.cannotWrite(path: bad, call: "open", code: code)) {
        try AtomicFile.write(new, to: bad)
      }
    }
    #expect(try folder.names() == ["file"])
  }

  @Test(
    "a folder without write permission is an error that says so",
    .disabled(if: geteuid() == 0, "permissions do not bind root"))
  func readOnlyFolder() throws {
    #expect(chmod(folder.path, 0o500) == 0)
    defer { chmod(folder.path, 0o700) }
    #expect(throws: SafetensorsError.cannotWrite(path: path, call: "open", code: EACCES)) {
      try AtomicFile.write(new, to: path)
    }
  }

  @Test(
    "a device is written to, not replaced, and its errors are reported",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func devices() throws {
    let error = #expect(throws: SafetensorsError.self) {
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
}
