import Foundation
import TestSupport
import Testing

/// What a launcher, a machine or a user's rights leave behind for the program.
@Suite("Environments")
struct EnvironmentTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func train(_ options: [String] = []) throws -> ProgramRun.Result {
    try run(
      ["train", "--num_epochs=1", "--evaluation_epochs=1", "--save_path=t"] + options,
      in: folder.path)
  }

  @Test(
    "who is alone says what is wrong, whatever rank a launcher has left",
    arguments: [
      ["PMI_RANK": "3", "PMI_SIZE": "1"],
      ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "1"],
      ["PMI_RANK": "3"], ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"],
    ])
  func leftRank(variables: [String: String]) throws {
    let usage = try run(["train", "--no_such=1"], in: folder.path, environment: variables)
    #expect(usage.code == 64)
    #expect(usage.error?.contains("--no_such") == true, "\(usage)")
    let training = try run(["train", "--num_epochs=1"], in: folder.path, environment: variables)
    #expect(training.code == 0 || training.errors.contains(" announced "), "\(training)")
  }

  #if os(Linux)
    @Test("OpenBLAS has one thread from the start, unless a variable says how many")
    func threads() throws {
      for (value, isTold) in [("", false), ("3", true)] {
        unlink(folder.file("name"))
        // A shell can leave a variable out, and tells its process, which becomes the program's.
        let setting = isTold ? "export OMP_NUM_THREADS=\(value)" : ":"
        let script =
          "unset OPENBLAS_NUM_THREADS GOTO_NUM_THREADS OMP_NUM_THREADS; \(setting); "
          + "(sleep 1; tr '\\0' '\\n' </proc/$$/environ >variables; cp /proc/$$/comm part; mv part name) & "
          + "exec \"$0\" evaluate --num_epochs=10000000"
        let program = try ProgramRun(
          ["-c", script, ProgramRun.executable], in: folder.path, executable: "/bin/bash")
        #expect(
          program.wait { FileManager.default.fileExists(atPath: folder.file("name")) })
        program.send(SIGKILL)
        _ = program.result()
        let variables = try String(contentsOfFile: folder.file("variables"), encoding: .utf8)
        #expect(variables.contains("OPENBLAS_NUM_THREADS=1\n") == !isTold)
        #expect(try String(contentsOfFile: folder.file("name"), encoding: .utf8) == "l2l\n")
      }
    }
  #endif

  @Test("what can't be read is not called damaged or absent", .enabled(if: getuid() != 0))
  func unreadable() throws {
    #expect(try train().code == 0)
    for place in ["t/cw.safetensors", "t"] {
      #expect(chmod(folder.file(place), 0) == 0)
      try expectFailure(
        ["evaluate", "--path=t"], code: 66, saying: ["Permission denied"], in: folder.path)
      #expect(chmod(folder.file(place), 0o700) == 0)
    }
  }

  @Test("a checkpoint that can't be converted is named")
  func namesCheckpoint() throws {
    for (name, bytes) in [("a.state", [0x81, 0xA1]), ("b.pickle", [0x80, 2]), ("c", [1, 2, 3])] {
      _ = try folder.write(bytes.map { UInt8($0) }, named: name)
      try expectFailure(
        ["convert", name, "x.safetensors"], code: 65, saying: ["'\(name)'"], in: folder.path)
    }
  }

  @Test("a training that saves nothing does not say that it can be gone on with")
  func unsaved() throws {
    let program = try ProgramRun(
      ["train", "--num_epochs=100000000", "--log_period=1"], in: folder.path)
    #expect(program.wait { program.output.contains("Epoch 2\n") })
    program.send(SIGTERM)
    let result = program.result()
    #expect(result.code == 76, "\(result)")
    #expect(result.error?.contains("nothing is saved") == true, "\(result)")
  }

  @Test("an end says which optimizer is kept")
  func kept() throws {
    let training = try run(
      [
        "train", "--num_epochs=7", "--evaluation_period=5", "--evaluation_epochs=1",
        "--save_path=t",
      ],
      in: folder.path)
    #expect(
      training.errors.contains("saved in 't', that of epoch 7 with a mean final loss of 0."),
      "\(training)")
  }

  @Test("a label may have its accent as a mark of its own")
  func accents() throws {
    #expect(try train().code == 0)
    for label in ["\u{e9}", "e\u{301}"] {
      let comparison = try run(
        ["compare", "--optimizer", "\(label)=t", "--num_epochs=1", "--num_steps=2"], in: folder.path
      )
      #expect(comparison.code == 0, "\(comparison)")
    }
    try expectFailure(
      ["compare", "--optimizer", "\u{301}=t"], code: 64, saying: ["name of an optimizer"],
      in: folder.path)
  }
}
