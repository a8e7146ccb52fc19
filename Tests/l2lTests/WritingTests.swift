import Foundation
import TestSupport
import Testing

@Suite("Files that the program writes")
struct WritingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a save_path that exists is exit code 73, and stays as it is")
  func existingSavePath() throws {
    #expect(mkdir(folder.file("empty"), 0o777) == 0)
    #expect(mkdir(folder.file("full"), 0o777) == 0)
    _ = try folder.write([1, 2], named: "full/cw.safetensors")
    _ = try folder.write([3], named: "file")
    #expect(symlink("nowhere", folder.file("link")) == 0)
    for name in ["empty", "full", "file", "link"] {
      try expectFailure(
        ["train", "--num_epochs=1", "--save_path=\(name)"], code: 73,
        saying: ["'\(name)'", "exists", "--save_path"], in: folder.path)
    }
    #expect(try folder.names() == ["empty", "file", "full", "link"])
    #expect(try contents(folder.file("full/cw.safetensors")) == [1, 2])
    #expect(try contents(folder.file("file")) == [3])
    let manager = FileManager.default
    #expect(try manager.contentsOfDirectory(atPath: folder.file("empty")) == [])
    #expect(try manager.contentsOfDirectory(atPath: folder.file("full")) == ["cw.safetensors"])
  }

  @Test(
    "a save_path that can't be made is exit code 73 before any work",
    arguments: [
      "file/below", "missing/below", "/proc/l2l-test", "/sys/l2l-test",
    ])
  func unwritableSavePath(path: String) throws {
    _ = try folder.write([3], named: "file")
    try expectFailure(
      ["train", "--num_epochs=1000000", "--save_path=\(path)"], code: 73, saying: [path],
      in: folder.path)
    #expect(try folder.names() == ["file"])
  }

  @Test(
    "an --output that can't be written is exit code 73 before any work",
    arguments: [
      "file/below.csv", "missing/below.csv", "folder", "/proc/l2l-test.csv", "/sys/l2l-test.csv",
    ])
  func unwritableOutput(path: String) throws {
    _ = try folder.write([3], named: "file")
    #expect(mkdir(folder.file("folder"), 0o777) == 0)
    try expectFailure(
      ["evaluate", "--num_epochs=1000000", "--output=\(path)"], code: 73, saying: [path],
      in: folder.path)
    try expectFailure(
      ["unroll", "--unroll_length=1000000", "--output=\(path)"], code: 73, saying: [path],
      in: folder.path)
    #expect(try folder.names() == ["file", "folder"])
  }

  @Test(
    "a full device is exit code 73",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func fullDevice() throws {
    let evaluation = try run(["evaluate", "--num_epochs=1", "--output=/dev/full"])
    #expect(evaluation.code == 73)
    #expect(evaluation.error?.contains("'/dev/full'") == true)
    #expect(evaluation.lines.first == "Epoch 1", "the summary is not lost with the table")
    try expectFailure(["unroll", "--output=/dev/full"], code: 73, saying: ["'/dev/full'"])
  }

  @Test(
    "a folder without write permission is exit code 73 before any work",
    .disabled(if: geteuid() == 0, "permissions do not bind root"))
  func forbiddenFolder() throws {
    #expect(chmod(folder.path, 0o500) == 0)
    defer { chmod(folder.path, 0o700) }
    try expectFailure(
      ["train", "--num_epochs=1000000", "--save_path=\(folder.file("t"))"], code: 73,
      saying: ["Permission denied"])
    try expectFailure(
      ["evaluate", "--num_epochs=1000000", "--output=\(folder.file("t.csv"))"], code: 73,
      saying: ["Permission denied"])
  }

  @Test("standard output can be named as the output file")
  func standardOutput() throws {
    let result = try run(["evaluate", "--num_epochs=1", "--num_steps=1", "--output=/dev/stdout"])
    #expect(result.code == 0)
    #expect(result.lines.suffix(3) == ["epoch,step,loss", "0,0,1.0", "0,1,1.0"])
  }

  @Test("an output file that exists is replaced whole, and nothing else is left")
  func replacedOutput() throws {
    _ = try folder.write([UInt8](repeating: 65, count: 100_000), named: "losses.csv")
    let result = try run(
      ["evaluate", "--num_epochs=1", "--num_steps=2", "--output=losses.csv"], in: folder.path)
    #expect(result.code == 0)
    let text = String(decoding: try contents(folder.file("losses.csv")), as: UTF8.self)
    #expect(text == "epoch,step,loss\n0,0,1.0\n0,1,1.0\n0,2,1.0\n")
    #expect(try folder.names() == ["losses.csv"])
  }
}

/// A small file system of its own, unmounted when the value goes away.
final class SmallDisk: Sendable {
  let path: String
  private let folder: TemporaryFolder

  /// Whether this process may mount one.
  static let isPermitted: Bool = (try? SmallDisk(size: "64k")) != nil

  init(size: String) throws {
    folder = try TemporaryFolder()
    path = folder.file("disk")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Self.mount(["-t", "tmpfs", "-o", "size=\(size)", "l2l-test", path])
  }

  deinit {
    _ = try? Self.run("umount", [path])
  }

  func remount(_ options: String) throws { try Self.mount(["-o", "remount,\(options)", path]) }

  private static func mount(_ arguments: [String]) throws {
    guard try run("mount", arguments) == 0 else { throw CocoaError(.fileWriteNoPermission) }
  }

  private static func run(_ name: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

@Suite(
  "A disk that is full or read-only",
  .enabled(if: SmallDisk.isPermitted, "file systems can't be mounted here"))
struct SmallDiskTests {
  // The state takes about 62 kB, the optimizer 22 kB.
  static let training = [
    "train", "--problem=quadratic", "--problem_option=batch_size=2", "--num_steps=20",
    "--log_period=2", "--evaluation_period=2", "--evaluation_epochs=1",
  ]

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test("a disk without room for the first state is exit code 73 and gets no folder")
  func noRoomAtStart() throws {
    let disk = try SmallDisk(size: "16k")
    try expectFailure(
      Self.training + ["--num_epochs=4", "--save_path=\(disk.path)/t"], code: 73,
      saying: ["No space left"])
    #expect(try names(disk.path) == [])
  }

  @Test("when the disk fills up, good files stay, and the training can be resumed from them")
  func fillsUp() throws {
    let disk = try SmallDisk(size: "100k")
    let folder = try TemporaryFolder()
    let reference = folder.file("reference")
    #expect(try run(Self.training + ["--num_epochs=4", "--save_path=\(reference)"]).code == 0)

    let path = "\(disk.path)/t"
    let full = try run(Self.training + ["--num_epochs=4", "--save_path=\(path)"])
    #expect(full.code == 73)
    #expect(full.error?.contains("No space left") == true)
    #expect(full.errors.contains("l2l: warning: cannot write"))
    #expect(full.lines.contains("Epoch 4"), "training goes on without the disk")
    #expect(
      try names(path).allSatisfy { $0.hasSuffix(".safetensors") || $0 == "metrics.csv" },
      "nothing half-written")

    try disk.remount("size=1m")
    let resumed = try run(["train", "--resume", "--save_path=\(path)"])
    #expect(resumed.code == 0)
    #expect(try names(path) == names(reference))
    for name in try names(reference) where name != "metrics.csv" {
      #expect(try contents("\(path)/\(name)") == contents("\(reference)/\(name)"), "\(name)")
    }
    #expect(try Metrics(path).untimed == Metrics(reference).untimed)
  }

  @Test("a read-only folder is exit code 73 and stays as it is")
  func readOnly() throws {
    let disk = try SmallDisk(size: "1m")
    let path = "\(disk.path)/t"
    #expect(try run(Self.training + ["--num_epochs=2", "--save_path=\(path)"]).code == 0)
    let before = try names(path).map { try contents("\(path)/\($0)") }
    try disk.remount("ro")
    let resumed = try run(["train", "--resume", "--num_epochs=4", "--save_path=\(path)"])
    #expect(resumed.code == 73)
    #expect(resumed.error?.contains("Read-only file system") == true)
    #expect(try names(path).map { try contents("\(path)/\($0)") } == before)
    try expectFailure(
      Self.training + ["--num_epochs=2", "--save_path=\(disk.path)/new"], code: 73,
      saying: ["Read-only file system"])
    try expectFailure(
      ["evaluate", "--num_epochs=1000000", "--output=\(disk.path)/x.csv"], code: 73,
      saying: ["Read-only file system"])
    #expect(try names(disk.path) == ["t"])
  }
}
