import Foundation
import TestSupport
import Testing

/// Starts, stops and surroundings that a program on many machines meets sooner or later.
@Suite("Robustness")
struct RobustnessTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let endless = [
    "train", "--num_epochs=100000000", "--log_period=1", "--evaluation_period=100000000",
  ]

  // MARK: - Folders

  @Test(
    "a folder with nothing but what a start makes is taken over, by a start and by a resumption",
    arguments: [["train"], ["train", "--resume", "--problem=simple"]])
  func takingOver(command: [String]) throws {
    let header = String(
      decoding: try {
        _ = try run(["train", "--num_epochs=1", "--save_path=old"], in: folder.path)
        return try contents(folder.file("old/metrics.csv"))
      }(), as: UTF8.self
    ).split(separator: "\n")[0]
    #expect(mkdir(folder.file("t"), 0o700) == 0)
    for names in [[], ["metrics.csv"], [".l2l-999999-0.tmp", "metrics.csv"]] {
      for name in names { _ = try folder.write(Array("\(header)\n".utf8), named: "t/\(name)") }
      let result = try run(
        command + ["--num_epochs=1", "--evaluation_epochs=1", "--save_path=t"], in: folder.path)
      #expect(result.code == 0, "\(result)")
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.file("t")) {
        #expect(unlink(folder.file("t/\(name)")) == 0)
      }
    }
  }

  @Test("a folder with anything of the user's is left alone, and a resumption needs its options")
  func foreign() throws {
    #expect(mkdir(folder.file("t"), 0o700) == 0)
    try expectFailure(
      ["train", "--resume", "--save_path=t"], code: 66, saying: ["all of its options"],
      in: folder.path)
    _ = try folder.write([1], named: "t/notes.txt")
    try expectFailure(
      ["train", "--num_epochs=1", "--save_path=t"], code: 73, saying: ["notes.txt"],
      in: folder.path)
    try expectFailure(
      ["train", "--resume", "--problem=simple", "--save_path=t"], code: 66, saying: ["resume"],
      in: folder.path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("t")) == ["notes.txt"])
  }

  @Test(
    "missing parents are made, and a tilde is a name like others", arguments: ["a/b/c", "~", "~/t"])
  func paths(path: String) throws {
    let result = try run(
      ["train", "--num_epochs=1", "--evaluation_epochs=1", "--save_path=\(path)"], in: folder.path)
    #expect(result.code == 0, "\(result)")
    let resumed = try run(
      ["train", "--resume", "--num_epochs=2", "--save_path=\(path)"], in: folder.path)
    #expect(resumed.code == 0, "\(resumed)")
    #expect(FileManager.default.fileExists(atPath: folder.file("\(path)/cw.safetensors")))
  }

  @Test(
    "a folder that may not be written to is told on resuming, before any work",
    .enabled(if: OtherUser.canRun, "the program can't be run as an ordinary user here"))
  func forbidden() throws {
    let saved = try run(["train", "--num_epochs=1", "--save_path=t"], in: folder.path)
    #expect(saved.code == 0)
    for mode: mode_t in [0o555, 0o333, 0] {
      #expect(chmod(folder.file("t"), mode) == 0 && chmod(folder.path, 0o755) == 0)
      let result = try OtherUser.run(
        ["train", "--resume", "--num_epochs=1000000", "--save_path=\(folder.file("t"))"])
      #expect(result.code == 73, "\(String(mode, radix: 8)): \(result)")
      #expect(result.error?.contains("Permission denied") == true)
    }
    #expect(chmod(folder.file("t"), 0o700) == 0)
  }

  // MARK: - Signals

  /// Starts an endless training and waits until it is under way.
  private func started(_ prefix: [String] = [], output: String? = nil) throws -> ProgramRun {
    let arguments = Self.endless + ["--save_path=t"]
    let program =
      try prefix.isEmpty
      ? ProgramRun(arguments, in: folder.path, output: output)
      : ProgramRun(
        Array(prefix.dropFirst()) + [ProgramRun.executable] + arguments, in: folder.path,
        executable: prefix[0], output: output)
    let table = folder.file("t/metrics.csv")
    #expect(program.wait { ((try? contents(table)) ?? []).count > 1000 })
    return program
  }

  @Test("every signal that asks to stop saves", arguments: [SIGHUP, SIGUSR2, SIGXCPU, SIGTERM])
  func signals(number: Int32) throws {
    let program = try started()
    program.send(number)
    #expect(program.result().code == 75)
  }

  @Test("a signal that was ignored at the start stays ignored")
  func ignoredSignal() throws {
    let program = try started(["/bin/sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""])
    for _ in 0..<3 { program.send(SIGHUP) }
    let rows = try contents(folder.file("t/metrics.csv")).count
    #expect(
      program.wait { ((try? contents(folder.file("t/metrics.csv"))) ?? []).count > rows + 1000 })
    #expect(!program.errors.contains("stopping"))
    program.send(SIGTERM)
    #expect(program.result().code == 75)
  }

  @Test("a reader that stalls stops neither the training nor a signal")
  func stalledReader() throws {
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    let reader = open(folder.file("pipe"), O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    let program = try started(output: folder.file("pipe"))
    // Three lines a row, each of ten bytes and more: a pipe holds 65,536 bytes.
    let table = folder.file("t/metrics.csv")
    #expect(program.wait { ((try? contents(table)) ?? []).count { $0 == 10 } > 4000 })
    program.send(SIGTERM)
    #expect(program.result().code == 75)
  }

  // MARK: - Limits

  @Test(
    "with little address space the program ends, and says why when it can't work",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "no prlimit"),
    arguments: ["simple", "quadratic", "mnist"])
  func addressSpace(problem: String) throws {
    for megabytes in [100, 150, 200, 250, 300, 400] {
      let result = try ProgramRun(
        [
          "--as=\(megabytes << 20)", ProgramRun.executable, "train", "--problem=\(problem)",
          "--num_epochs=1", "--num_steps=20", "--evaluation_epochs=1",
        ], executable: "/usr/bin/prlimit"
      ).result()
      // 127: even the libraries can't be loaded.
      #expect([0, 70, 127].contains(result.code), "\(megabytes) MB: \(result)")
      if result.code == 70 { #expect(result.error?.contains("memory") == true, "\(result)") }
    }
  }

  @Test(
    "where the system gives no threads a training runs, saves, and can be stopped",
    .enabled(
      if: OtherUser.canRun && FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"),
      "the program can't be run as an ordinary user here"))
  func noThreads() throws {
    #expect(chmod(folder.path, 0o777) == 0)
    let asUser =
      geteuid() == 0
      ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
    let limited = asUser + ["/usr/bin/prlimit", "--nproc=1", ProgramRun.executable]
    func start(_ arguments: [String]) throws -> ProgramRun {
      try ProgramRun(
        Array(limited.dropFirst()) + arguments, in: folder.path,
        environment: ["OPENBLAS_NUM_THREADS": "1"], executable: limited[0])
    }
    let whole = try start(
      ["train", "--problem=quadratic", "--num_epochs=2", "--evaluation_epochs=1", "--save_path=w"]
    ).result()
    #expect(whole.code == 0, "\(whole)")
    let program = try start(Self.endless + ["--save_path=t"])
    let table = folder.file("t/metrics.csv")
    #expect(program.wait { ((try? contents(table)) ?? []).count > 1000 })
    program.send(SIGTERM)
    #expect(program.result().code == 75)
  }

  @Test(
    "a limit of file sizes is told with its reason, and leaves what was there",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "no prlimit"))
  func fileSize() throws {
    let result = try ProgramRun(
      [
        "--fsize=1024", ProgramRun.executable, "train", "--num_epochs=1", "--save_path=t",
      ], in: folder.path, executable: "/usr/bin/prlimit"
    ).result()
    #expect(result.code == 73, "\(result)")
    #expect(result.error?.contains("ulimit -f") == true)
    #expect(try folder.names() == [])
  }

  // MARK: - Arguments

  @Test("an argument that is not UTF-8 is refused, and no file of another name is made")
  func notUTF8() throws {
    let result = try ProgramRun(
      [
        "-c", "\"$0\" evaluate --num_epochs=1 --output=\"$(printf 'a\\377b')\"",
        ProgramRun.executable,
      ],
      in: folder.path, executable: "/bin/bash"
    ).result()
    #expect(result.code == 64 && result.error?.contains("UTF-8") == true, "\(result)")
    #expect(try folder.names() == [])
  }
}
