import Foundation
import TestSupport
import Testing

/// The table of metrics in a training's folder.
struct Metrics {
  let rows: [[Substring]]

  init(_ folder: String) throws {
    let text = String(decoding: try contents("\(folder)/metrics.csv"), as: UTF8.self)
    guard text.last == "\n" else { throw CocoaError(.fileReadCorruptFile) }
    rows = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
  }

  /// All rows without the columns that tell times.
  var untimed: [[Substring]] { rows.map { Array($0.prefix(9)) } }
}

@Suite("Logs of a training")
struct LogTests {
  static let training = [
    "train", "--problem=quadratic", "--problem_option=batch_size=4", "--num_steps=20",
    "--log_period=2", "--evaluation_period=5", "--evaluation_epochs=2",
  ]

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func eventFiles(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }
  }

  @Test("events and table tell the same numbers, and leave the results as they are")
  func contentsOfBoth() throws {
    let plain = try run(Self.training + ["--num_epochs=20", "--save_path=plain"], in: folder.path)
    let logged = try run(
      Self.training + ["--num_epochs=20", "--save_path=t", "--log_dir=log"], in: folder.path)
    #expect(plain.code == 0 && logged.code == 0)
    #expect(plain.untimedLines == logged.untimedLines)
    #expect(logged.errorLines.count == 1, "nothing but where the optimizer is")
    for name in StopAndResumeTests.files {
      #expect(
        try contents(folder.file("plain/\(name)")) == contents(folder.file("t/\(name)")))
    }
    let metrics = try Metrics(folder.file("t"))
    #expect(try metrics.untimed == Metrics(folder.file("plain")).untimed)
    let events = try eventFiles(folder.file("log")).flatMap { try ReadEvent.all(in: $0) }
    let told = events.compactMap { event in
      (event.scalars["loss/train"] ?? event.scalars["loss/evaluation"]).map { (event.step, $0) }
    }
    #expect(told.map(\.0) == metrics.rows.dropFirst().map { Int($0[0]) })
    #expect(told.map(\.1) == metrics.rows.dropFirst().map { Double($0[2]).map { Float($0) } })
    #expect(events.count { $0.histograms["updates/cw"] != nil } == 4)
  }

  @Test("a table that a kill left behind the state goes on as if nothing had happened")
  func killed() throws {
    let whole = try run(Self.training + ["--num_epochs=200", "--save_path=whole"], in: folder.path)
    #expect(whole.code == 0)
    let reference = try Metrics(folder.file("whole"))
    var cuts = 0
    for attempt in 1...7 {
      let path = "killed-\(attempt)"
      let program = try ProgramRun(
        Self.training + ["--num_epochs=200", "--save_path=\(path)", "--log_dir=\(path)-log"],
        in: folder.path)
      let line = "Epoch \(attempt * 24 + 2)\n"
      #expect(program.wait { program.output.contains(line) })
      program.send(SIGKILL)
      let result = program.result()
      let before = try Metrics(folder.file(path))
      #expect(before.untimed == Array(reference.untimed.prefix(before.rows.count)))
      if result.code == 0 { continue }
      // A power cut can leave half of a line besides.
      let table = folder.file("\(path)/metrics.csv")
      _ = try folder.write(
        try contents(table) + Array("\(attempt * 24 + 4),train,0.".utf8),
        named: "\(path)/metrics.csv")
      let resumed = try run(
        ["train", "--resume", "--save_path=\(path)", "--log_dir=\(path)-log"], in: folder.path)
      #expect(resumed.code == 0)
      #expect(try Metrics(folder.file(path)).untimed == reference.untimed)
      let files = try eventFiles(folder.file("\(path)-log"))
      try #require(files.count == 2)
      let start = try ReadEvent.all(in: files[1])[1]
      #expect(start.sessionStatus == 1)
      // What TensorBoard keeps: of the first file the steps before the start.
      let old = try ReadEvent.all(in: files[0]).filter { $0.step < start.step }
      let points = try (old + ReadEvent.all(in: files[1])).filter { !$0.scalars.isEmpty }
      #expect(points.map(\.step) == reference.rows.dropFirst().map { Int($0[0]) })
      if before.rows.count > start.step / 2 { cuts += 1 }
    }
    #expect(cuts > 0, "no kill left rows behind the state")
  }

  @Test(
    "a log_dir that can't be made is exit code 73, and no folder is left",
    arguments: [
      "file", "file/below", "/proc/l2l-test",
    ])
  func unwritable(path: String) throws {
    _ = try folder.write([3], named: "file")
    try expectFailure(
      Self.training + ["--num_epochs=1000000", "--save_path=t", "--log_dir=\(path)"], code: 73,
      saying: [path], in: folder.path)
    #expect(try folder.names() == ["file"])
  }

  @Test("a log_dir with another training's events is exit code 73")
  func usedFolder() throws {
    let arguments = Self.training + ["--num_epochs=2", "--log_dir=log"]
    #expect(try run(arguments, in: folder.path).code == 0)
    try expectFailure(
      arguments + ["--save_path=t"], code: 73, saying: ["another training", "--log_dir"],
      in: folder.path)
    #expect(try folder.names() == ["log"])
    // A save_path that can't be used takes the new log_dir back.
    try expectFailure(
      Self.training + ["--log_dir=new", "--save_path=log"], code: 73, saying: ["--save_path"],
      in: folder.path)
    #expect(try folder.names() == ["log"])
  }

  @Test("a table that is none is exit code 65 on resuming, and stays as it is")
  func foreignTable() throws {
    let start = try run(Self.training + ["--num_epochs=2", "--save_path=t"], in: folder.path)
    #expect(start.code == 0)
    _ = try folder.write(Array("a,b\n1,2\n".utf8), named: "t/metrics.csv")
    try expectFailure(
      ["train", "--resume", "--save_path=t", "--num_epochs=4", "--log_dir=log"], code: 65,
      saying: ["metrics.csv", "line 1", "move it away"], in: folder.path)
    #expect(try contents(folder.file("t/metrics.csv")) == Array("a,b\n1,2\n".utf8))
    #expect(try folder.names() == ["t"])
  }

  @Test(
    "without room for events at the start the exit code is 73",
    .enabled(if: SmallDisk.isPermitted, "file systems can't be mounted here"))
  func fullAtStart() throws {
    let disk = try SmallDisk(size: "4k")
    _ = try Data(count: 4096).write(to: URL(fileURLWithPath: "\(disk.path)/full"))
    try expectFailure(
      Self.training + ["--num_epochs=2", "--save_path=t", "--log_dir=\(disk.path)"], code: 73,
      saying: ["No space left"], in: folder.path)
    #expect(try folder.names() == [])
    #expect(try eventFiles(disk.path) == ["\(disk.path)/full"])
  }

  @Test(
    "when the log's disk fills up, one warning is given and the training goes on",
    .enabled(if: SmallDisk.isPermitted, "file systems can't be mounted here"))
  func fullLater() throws {
    let disk = try SmallDisk(size: "16k")
    let result = try run(
      Self.training + ["--num_epochs=200", "--save_path=t", "--log_dir=\(disk.path)/log"],
      in: folder.path)
    #expect(result.code == 0)
    let warnings = result.errorLines.filter { $0.contains("warning") }
    #expect(warnings.count == 2, "one when it happens, one at the end: \(result.errors)")
    #expect(warnings.first?.contains("No space left") == true)
    #expect(try Metrics(folder.file("t")).rows.count == 1 + 100 + 40)
    // What is there is whole.
    let events = try eventFiles("\(disk.path)/log").flatMap { try ReadEvent.all(in: $0) }
    #expect(events.count > 10 && events.count < 142)
  }
}

/// What the real TensorBoard makes of the files.
@Suite("TensorBoard")
struct TensorBoardTests {
  private static let script = """
    import json, sys
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    tags = events.Tags()
    print(json.dumps({
        "scalars": {t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags["scalars"]},
        "histograms": {t: [[e.step, e.histogram_value.num, sum(e.histogram_value.bucket)]
                           for e in events.Histograms(t)] for t in tags["histograms"]}}))
    """

  private struct Found: Decodable {
    let scalars: [String: [[Double]]]
    let histograms: [String: [[Double]]]
  }

  private static func python(_ arguments: [String]) throws -> ProgramRun.Result {
    try ProgramRun(["python3"] + arguments, executable: "/usr/bin/env").result()
  }

  /// Whether Python has TensorBoard.
  static let isThere = (try? python(["-c", "import tensorboard"]).code) == 0

  @Test(
    "it reads a training that was killed and resumed as one without a gap or a double point",
    .enabled(if: isThere, "python3 has no tensorboard (pip install tensorboard)"))
  func reading() throws {
    let folder = try TemporaryFolder()
    let program = try ProgramRun(
      LogTests.training + ["--num_epochs=200", "--save_path=t", "--log_dir=log"], in: folder.path)
    #expect(program.wait { program.output.contains("Epoch 58\n") })
    program.send(SIGKILL)
    #expect(program.result().signal == SIGKILL)
    let resumed = try run(
      ["train", "--resume", "--save_path=t", "--log_dir=log"], in: folder.path)
    #expect(resumed.code == 0)

    let result = try Self.python(["-c", Self.script, folder.file("log")])
    #expect(result.code == 0, "\(result.errors)")
    let found = try JSONDecoder().decode(Found.self, from: Data(result.output.utf8))
    let rows = try Metrics(folder.file("t")).rows.dropFirst()
    for (tag, kind, column) in [
      ("loss/train", "train", 2), ("meta_loss", "train", 3), ("meta_gradient_norm", "train", 4),
      ("weight_norm", "train", 5), ("diverged/train", "train", 7),
      ("loss/evaluation", "evaluation", 2), ("diverged/evaluation", "evaluation", 7),
    ] {
      let expected = rows.filter { $0[1] == kind }.map { row in
        [Double(row[0]) ?? .nan, Double(Float(Double(row[column]) ?? .nan))]
      }
      #expect(found.scalars[tag] == expected, "\(tag)")
    }
    for tag in ["throughput/epochs_per_second", "throughput/steps_per_second", "wait/rank_0"] {
      #expect(found.scalars[tag]?.count == 100, "\(tag)")
    }
    // 2 epochs of 20 steps on 4 x 10 parameters.
    #expect(
      found.histograms == ["updates/cw": (1...40).map { [Double($0 * 5), 1600, 1600] }])
  }
}
