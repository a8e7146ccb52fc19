import Foundation
import TestSupport
import Testing

@Suite("Files that the program writes")
struct WritingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a save_path that exists is exit code 73, and stays as it is")
  func existingSavePath() throws {
    #expect(mkdir(folder.file("full"), 0o777) == 0)
    _ = try folder.write([1, 2], named: "full/cw.safetensors")
    _ = try folder.write([3], named: "file")
    #expect(symlink("nowhere", folder.file("link")) == 0)
    for name in ["full", "file", "link"] {
      try expectFailure(
        ["train", "--num_epochs=1", "--save_path=\(name)"], code: 73,
        saying: ["'\(name)'", "exists", "--save_path"], in: folder.path)
    }
    #expect(try folder.names() == ["file", "full", "link"])
    #expect(try contents(folder.file("full/cw.safetensors")) == [1, 2])
    #expect(try contents(folder.file("file")) == [3])
    let manager = FileManager.default
    #expect(try manager.contentsOfDirectory(atPath: folder.file("full")) == ["cw.safetensors"])
  }

  @Test(
    "a save_path that can't be made is exit code 73 before any work",
    arguments: [
      "file/below", "/proc/l2l-test", "/sys/l2l-test",
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
    .enabled(if: OtherUser.canRun, "the program can't be run as an ordinary user here"))
  func forbiddenFolder() throws {
    #expect(chmod(folder.path, 0o555) == 0)
    defer { chmod(folder.path, 0o700) }
    for arguments in [
      ["train", "--num_epochs=1000000", "--save_path=\(folder.file("t"))"],
      ["evaluate", "--num_epochs=1000000", "--output=\(folder.file("t.csv"))"],
    ] {
      let result = try OtherUser.run(arguments)
      #expect(result.code == 73)
      #expect(result.error?.contains("Permission denied") == true)
    }
  }

  @Test("standard output can be named as the output file")
  func standardOutput() throws {
    let result = try run(["evaluate", "--num_epochs=1", "--num_steps=1", "--output=/dev/stdout"])
    #expect(result.code == 0)
    #expect(result.lines.suffix(3) == ["epoch,step,loss", "0,0,1.0", "0,1,1.0"])
  }

  @Test("an output that exists stays as it is, and is told before any work")
  func existingOutput() throws {
    let old = [UInt8](repeating: 65, count: 1000)
    _ = try folder.write(old, named: "losses.csv")
    #expect(symlink("losses.csv", folder.file("link")) == 0)
    for command in [["evaluate", "--num_epochs=1000000"], ["unroll", "--unroll_length=1000000"]] {
      for output in ["losses.csv", "link", "./losses.csv"] {
        try expectFailure(
          command + ["--output=\(output)"], code: 73, saying: [output, "exists already"],
          in: folder.path)
      }
    }
    #expect(try contents(folder.file("losses.csv")) == old)
    #expect(try folder.names() == ["link", "losses.csv"])
  }

  @Test("an input is never the output, by whatever name", arguments: ["net", "hard", "soft"])
  func inputAsOutput(name: String) throws {
    let saved = try run(
      ["train", "--num_epochs=1", "--evaluation_epochs=1", "--save_path=t"], in: folder.path)
    #expect(saved.code == 0)
    let net = folder.file("t/cw.safetensors")
    #expect(link(net, folder.file("hard")) == 0 && symlink(net, folder.file("soft")) == 0)
    let before = try contents(net)
    let output = name == "net" ? net : folder.file(name)
    for command in ["evaluate", "unroll"] {
      try expectFailure(
        [command, "--path=\(net)", "--output=\(output)"], code: 64, saying: ["output"])
    }
    #expect(try contents(net) == before)
  }

  @Test("names of one character are outputs like others", arguments: ["x", "-", "é", "~"])
  func shortNames(name: String) throws {
    let result = try run(
      ["evaluate", "--num_epochs=1", "--num_steps=1", "--output=\(name)"], in: folder.path)
    #expect(result.code == 0, "\(result)")
    #expect(
      String(decoding: try contents(folder.file(name)), as: UTF8.self)
        == "epoch,step,loss\n0,0,1.0\n0,1,1.0\n")
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
    try ToolRun(name, arguments).code
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

/// The program run by an ordinary user, also when the tests are run by root: permissions don't bind it.
enum OtherUser {
  /// Runs the program to its end.
  static func run(_ arguments: [String]) throws -> ProgramRun.Result {
    guard geteuid() == 0 else { return try ProgramRun(arguments).result() }
    return try ProgramRun(
      ["--reuid=65534", "--regid=65534", "--clear-groups", ProgramRun.executable] + arguments,
      in: "/", executable: "/usr/bin/setpriv"
    ).result()
  }

  /// Whether the program is where such a user can read it.
  static let canRun = (try? run(["list"]).code) == 0
}
