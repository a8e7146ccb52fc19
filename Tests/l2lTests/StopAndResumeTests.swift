import Foundation
import TestSupport
import Testing

@Suite("Stopping and resuming")
struct StopAndResumeTests {
  /// A training that is interrupted at many places and compared with one that is not.
  struct Example: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let arguments: [String]
    var interruptions = 4

    /// The arguments with another number of epochs.
    func arguments(epochs: Int) -> [String] {
      arguments.filter { !$0.hasPrefix("--num_epochs=") } + ["--num_epochs=\(epochs)"]
    }
  }

  static let quadratic = Example(
    testDescription: "quadratic",
    arguments: [
      "--problem=quadratic", "--problem_option=batch_size=8", "--num_epochs=80", "--log_period=5",
      "--evaluation_period=10", "--evaluation_epochs=2",
    ])
  static let examples = [
    quadratic,
    // Every stop is at the end of an epoch, where a log line and an evaluation are due.
    Example(
      testDescription: "one unroll an epoch",
      arguments: [
        "--problem=quadratic", "--problem_option=batch_size=8", "--num_epochs=200",
        "--num_steps=20", "--log_period=1", "--evaluation_period=1", "--evaluation_epochs=1",
      ]),
    Example(
      testDescription: "second derivatives and three optimizees",
      arguments: [
        "--problem=quadratic", "--problem_option=batch_size=4", "--num_epochs=120",
        "--log_period=6",
        "--num_steps=30", "--unroll_length=10", "--evaluation_period=12", "--evaluation_epochs=1",
        "--second_derivatives", "--optimizees=3",
      ]),
    Example(
      testDescription: "two nets",
      arguments: [
        "--problem=simple-multi", "--num_epochs=1200", "--log_period=50", "--evaluation_period=100",
        "--evaluation_epochs=2", "--learning_rate=0.01",
      ]),
    Example(
      testDescription: "mnist",
      arguments: [
        "--problem=mnist", "--problem_option=batch_size=16", "--num_epochs=8", "--num_steps=20",
        "--unroll_length=5", "--log_period=1", "--evaluation_period=3", "--evaluation_epochs=1",
      ], interruptions: 3),
  ]

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let files = ["cw.safetensors", "latest.training-state.safetensors"]

  private func expectSameFiles(
    _ a: String, _ b: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for name in Self.files {
      let equal =
        try contents(folder.file("\(a)/\(name)")) == contents(folder.file("\(b)/\(name)"))
      #expect(equal, "\(name)", sourceLocation: sourceLocation)
    }
    let tables = try [a, b].map { try Metrics(folder.file($0)).untimed }
    #expect(tables[0] == tables[1], sourceLocation: sourceLocation)
  }

  /// Trains to the end in the folder `reference`; returns the seconds it took.
  private func reference(_ example: Example) throws -> (ProgramRun.Result, seconds: Double) {
    let start = Date()
    let result = try run(["train", "--save_path=reference"] + example.arguments, in: folder.path)
    try #require(result.code == 0)
    return (result, Date().timeIntervalSince(start))
  }

  @Test("a training stopped by signals goes on as if it had not been", arguments: examples)
  func signals(example: Example) throws {
    let (whole, seconds) = try reference(example)
    var arguments = ["train", "--save_path", "stopped"] + example.arguments
    var lines: [String] = []
    var stops = 0
    // Signals come at random moments of the same share of the training each, so that none is late.
    let share = whole.lines.count / (example.interruptions + 1)
    for attempt in 0..<50 {
      let program = try ProgramRun(arguments, in: folder.path)
      if attempt < example.interruptions {
        let count = Int.random(in: attempt == 0 ? 1...share : 0...share)
        #expect(program.wait { program.output.filter { $0 == "\n" }.count >= count })
        Thread.sleep(forTimeInterval: .random(in: 0...seconds / 20))
        program.send(attempt.isMultiple(of: 2) ? SIGINT : SIGTERM)
      }
      let result = program.result()
      lines += result.untimedLines
      arguments = ["train", "--resume", "--save_path", "stopped"]
      if result.code == 0 { break }
      if result.signal != nil {
        #expect(result.output == "", "a signal ends only a program that has not begun")
        continue
      }
      stops += 1
      try #require(result.code == 75, "\(result)")
      let error = try #require(result.error)
      #expect(error.contains("state saved"))
      #expect(error.contains("l2l train --resume --save_path=stopped"))
    }
    #expect(stops > 0, "no signal came in time")
    #expect(lines == whole.untimedLines)
    try expectSameFiles("reference", "stopped")
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.file("stopped"))
    #expect(left.sorted() == Self.files + ["metrics.csv"])
  }

  @Test("a killed training goes on from its last state", arguments: [quadratic, examples[4]])
  func kills(example: Example) throws {
    let (whole, seconds) = try reference(example)
    var arguments = ["train", "--save_path=killed"] + example.arguments
    for _ in 0..<3 {
      let program = try ProgramRun(arguments, in: folder.path)
      let state = folder.file("killed/latest.training-state.safetensors")
      #expect(program.wait { FileManager.default.fileExists(atPath: state) })
      Thread.sleep(forTimeInterval: .random(in: 0...seconds))
      program.send(SIGKILL)
      let result = program.result()
      #expect(result.signal == SIGKILL || result.code == 0)
      arguments = ["train", "--resume", "--save_path=killed"]
    }
    let last = try run(arguments, in: folder.path)
    #expect(last.code == 0)
    #expect(whole.untimedLines.suffix(last.untimedLines.count) == last.untimedLines[...])
    try expectSameFiles("reference", "killed")
  }

  /// A training whose first unroll takes minutes.
  private func longUnroll() throws -> ProgramRun {
    let program = try ProgramRun(
      [
        "train", "--problem=mnist", "--num_steps=200000", "--unroll_length=200000", "--save_path=t",
      ],
      in: folder.path)
    #expect(program.wait { program.errors.contains("MNIST") })
    Thread.sleep(forTimeInterval: 0.2)
    return program
  }

  @Test("a second Ctrl-C ends the program at once")
  func secondSignal() throws {
    let program = try longUnroll()
    program.send(SIGINT)
    #expect(program.wait { program.errors.contains("stopping after this unroll") })
    Thread.sleep(forTimeInterval: 0.1)
    program.send(SIGINT)
    let result = program.result(timeout: 10)
    #expect(result.signal == SIGINT)
    #expect(FileManager.default.fileExists(atPath: folder.file("t/\(Self.files[1])")))
  }

  @Test("without a save_path the message says that nothing is saved")
  func unsaved() throws {
    let program = try ProgramRun(
      ["train"] + Self.quadratic.arguments(epochs: 100_000))
    #expect(program.wait { program.output.contains("Epoch 5") })
    program.send(SIGTERM)
    let result = program.result()
    // Nothing to go on with: not the code of a saved state.
    #expect(result.code == 76)
    #expect(result.error?.contains("nothing is saved without --save_path") == true)
  }

  @Test("a finished training resumes to nothing, and goes on with more epochs")
  func moreEpochs() throws {
    _ = try reference(Self.quadratic)
    let half = try run(
      ["train", "--save_path=half"] + Self.quadratic.arguments(epochs: 20), in: folder.path)
    #expect(half.code == 0)
    let before = try Self.files.map { try contents(folder.file("half/\($0)")) }
    let nothing = try run(["train", "--resume", "--save_path=half"], in: folder.path)
    #expect(nothing.code == 0)
    #expect(nothing.output == "")
    #expect(nothing.errors.contains("has had all of its 20 epochs"))
    #expect(try Self.files.map { try contents(folder.file("half/\($0)")) } == before)
    let rest = try run(
      ["train", "--resume", "--save_path=half", "--num_epochs=80"], in: folder.path)
    #expect(rest.code == 0)
    #expect(rest.lines.first == "Epoch 25")
    try expectSameFiles("reference", "half")
  }

  @Test(
    "options that decide the numbers can't change on resuming",
    arguments: [
      (["--problem=simple"], "problem"),
      (["--problem_option=batch_size=9"], "problem_option"),
      (["--net_option=scale=2"], "net_option"),
      (["--num_steps=200"], "num_steps"),
      (["--unroll_length=10"], "unroll_length"),
      (["--learning_rate=0.1"], "learning_rate"),
      (["--second_derivatives=false"], "second_derivatives"),
      (["--seed=5"], "seed"),
      (["--optimizees=2"], "optimizees"),
      (["--evaluation_period=7"], "evaluation_period"),
      (["--evaluation_epochs=7"], "evaluation_epochs"),
    ])
  func changedOptions(option: [String], name: String) throws {
    let start = try run(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=2", "--num_epochs=1",
        "--num_steps=20", "--second_derivatives", "--save_path=t",
      ], in: folder.path)
    #expect(start.code == 0)
    let before = try contents(folder.file("t/\(Self.files[1])"))
    try expectFailure(
      ["train", "--resume", "--save_path=t", "--num_epochs=2"] + option, code: 64,
      saying: ["has \(name) ", "leave the option out"], in: folder.path)
    #expect(try contents(folder.file("t/\(Self.files[1])")) == before)
    // What a training has may be said again.
    let same = try run(
      [
        "train", "--resume", "--save_path=t", "--problem=quadratic", "--second_derivatives",
        "--problem-option=batch-size=2", "--num_epochs=2", "--log_period=1",
      ], in: folder.path)
    #expect(same.code == 0)
    #expect(same.lines.first == "Epoch 2")
  }

  @Test("there must be a training to resume")
  func nothingToResume() throws {
    #expect(mkdir(folder.file("empty"), 0o777) == 0)
    for name in ["empty", "missing"] {
      try expectFailure(
        ["train", "--resume", "--save_path=\(name)"], code: 66, saying: [name, "--resume"],
        in: folder.path)
    }
    #expect(try folder.names() == ["empty"])
  }

  @Test("a training is not resumed on other data")
  func otherData() throws {
    let data = try DataTests.folder()
    let start = try run(DataTests.training + ["--save_path=t"], in: folder.path)
    #expect(start.code == 0)
    try expectFailure(
      ["train", "--resume", "--save_path=t", "--num_epochs=2", "--data_dir=\(data.path)"],
      code: 65, saying: ["data set", "--data_dir"], in: folder.path)
  }

  @Test("an end that the training does not count is wrong usage, and its state is no optimizer")
  func countedOtherwise() throws {
    let folder = try TemporaryFolder()
    for (more, end, other) in [
      (["--num_epochs=1"], "--num_meta_steps=3", "--num_epochs"),
      (["--estimator=pes", "--num_meta_steps=1"], "--num_epochs=3", "--num_meta_steps"),
    ] {
      let path = String(other.dropFirst(2))
      let common = ["train", "--problem=simple", "--evaluation_epochs=0", "--save_path=\(path)"]
      try #require(try run(common + more, in: folder.path).code == 0)
      let result = try run(["train", "--resume", "--save_path=\(path)", end], in: folder.path)
      #expect(result.code == 64 && result.errorLines.count == 1, "\(result.errors)")
      #expect(result.errors.contains("give \(other)") && !result.errors.contains(".safetensors"))
      try expectFailure(
        ["convert", "\(path)/latest.training-state.safetensors", "x.pkl"], code: 65,
        saying: ["state of a training"], in: folder.path)
    }
  }
}
