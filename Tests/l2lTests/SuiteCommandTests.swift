import Foundation
import TestSupport
import Testing

@Suite("compare on a suite")
struct SuiteCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let suite = """
      {"tasks": [
        {"problem": "conditioned-quadratic", "options": {"num_dims": 4}, "steps": 30},
        {"problem": "perceptrons", "options": {"depths": "0,1", "widths": [2, 4]}, "steps": 10,
         "name": "family"}],
       "baselines": ["Adam", "SGD"], "seeds": 2, "tuning_seeds": 1}
      """
    _ = try folder.write(Array(suite.utf8), named: "suite.json")
  }

  private func arguments(_ more: [String] = [], output: String = "out") -> [String] {
    [
      "compare", "--suite=suite.json", "--optimizers=L2L=pretrained:mnist", "--output=\(output)",
      "--data_dir=synthetic",
    ] + more
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try contents(folder.file(name)), as: UTF8.self)
  }

  private static let numbers = [
    "curves.csv", "trials.csv", "told.csv", "runs.csv", "summary.csv", "profiles.csv",
    "result.json",
  ]

  private func expectSameNumbers(_ first: String, _ second: String) throws {
    for name in Self.numbers {
      #expect(try text("\(first)/\(name)") == text("\(second)/\(name)"), "\(name)")
    }
  }

  @Test("a learned optimizer's own schedule stays", arguments: ["rate", "all"])
  func ownSchedule(search: String) throws {
    let result = try run(
      [
        "compare", "--suite=suite.json", "--optimizers=Celo2=pretrained:celo2", "--output=out",
        "--data_dir=synthetic", "--search=\(search)",
      ], in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    let trials = try text("out/trials.csv").split(separator: "\n").filter { $0.contains("Celo2") }
    #expect(trials.count == 2 * 11 && trials.allSatisfy { $0.contains(",cosine,") })
    // It was told the number of steps.
    #expect(try text("out/told.csv").contains(",Celo2,"))
  }

  @Test("prints the summary and writes the report with its data")
  func output() throws {
    let result = try run(arguments(), in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.lines.count == 2 + 3, "\(result.output)")
    #expect(result.lines[1].hasPrefix("optimizer"))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
    #expect(
      names == (Self.numbers + ["report.html", "report.md", "times.csv", "units.log"]).sorted())
    let markdown = try text("out/report.md")
    for line in result.lines[2...] {
      // The table's numbers are those of the report.
      let cell = try #require(line.split(separator: #/ {2,}/#).dropFirst().first)
      #expect(markdown.contains("| \(cell) |"), "\(line)")
    }
    #expect(try text("out/trials.csv").split(separator: "\n").count == 1 + 2 * 2 * 11)
  }

  @Test("a killed run goes on where it was, to the same numbers", arguments: [0.02, 0.2, 0.6])
  func killed(seconds: Double) throws {
    let steps = ["--horizons=1,20"]
    let whole = try run(arguments(steps, output: "whole"), in: folder.path)
    try #require(whole.code == 0, "\(whole.errors)")
    let started = try ProgramRun(arguments(steps), in: folder.path)
    Thread.sleep(forTimeInterval: seconds)
    started.send(SIGKILL)
    _ = started.result()
    let resumed = try run(arguments(steps + ["--resume"]), in: folder.path)
    try #require(resumed.code == 0, "\(resumed.errors)")
    try expectSameNumbers("whole", "out")
    #expect(resumed.output == whole.output)
    let again = try run(arguments(steps + ["--resume"]), in: folder.path)
    #expect(again.code == 0 && again.output == whole.output, "a run that is done, too")
  }

  @Test("SIGTERM keeps what is done and says how to go on")
  func stopped() throws {
    let long = ["--horizons=1000"]
    let started = try ProgramRun(arguments(long), in: folder.path)
    #expect(
      started.wait { FileManager.default.fileExists(atPath: folder.file("out/units.log")) })
    Thread.sleep(forTimeInterval: 1.5)
    started.send(SIGTERM)
    let result = started.result()
    #expect(result.code == 75, "\(result.errors)")
    #expect(result.errors.contains("--resume") && result.output == "")
  }

  @Test("a last line that was cut off, at any place, is made anew")
  func tornLine() throws {
    let whole = try run(arguments(output: "whole"), in: folder.path)
    try #require(whole.code == 0, "\(whole.errors)")
    let journal = try contents(folder.file("whole/units.log"))
    for cut in [1, 50, journal.count / 2, journal.count - 40] {
      let name = "cut-\(cut)"
      try FileManager.default.createDirectory(
        atPath: folder.file(name), withIntermediateDirectories: false)
      _ = try folder.write(Array(journal.dropLast(cut)), named: "\(name)/units.log")
      let result = try run(arguments(["--resume"], output: name), in: folder.path)
      #expect(result.code == 0, "\(result.errors)")
      try expectSameNumbers("whole", name)
    }
  }

  @Test("another optimizer joins a suite that is done, and the others are not run again")
  func joining() throws {
    let first = try run(arguments(), in: folder.path)
    try #require(first.code == 0, "\(first.errors)")
    let lines = try text("out/units.log").split(separator: "\n")
    let more = try run(
      arguments(["--resume", "--optimizers=Adam,SGD,NAG"]), in: folder.path)
    try #require(more.code == 0, "\(more.errors)")
    let all = try text("out/units.log").split(separator: "\n")
    #expect(Array(all.prefix(lines.count)) == lines)
    // What all are now, and NAG's units.
    #expect(all.count == lines.count + 1 + 2 * 12)
    #expect(more.lines.contains { $0.hasPrefix("NAG") })
  }

  @Test("what was made with something else is not mixed in")
  func differences() throws {
    let first = try run(arguments(), in: folder.path)
    try #require(first.code == 0, "\(first.errors)")
    let journal = try contents(folder.file("out/units.log"))
    try expectFailure(arguments(), code: 73, saying: ["'out'", "--resume"], in: folder.path)
    try expectFailure(
      arguments(["--resume", "--seed=1"]), code: 64, saying: ["seed 0", "seed 1"],
      in: folder.path)
    try expectFailure(
      ["compare", "--suite=suite.json", "--resume", "--output=out", "--data_dir=synthetic"]
        + ["--optimizers=L2L=pretrained:quadratic"],
      code: 64, saying: ["optimizer 'L2L'"], in: folder.path)
    var damaged = journal
    damaged[journal.count / 2] ^= 1
    _ = try folder.write(damaged, named: "out/units.log")
    try expectFailure(
      arguments(["--resume"]), code: 65, saying: ["units.log", "line"], in: folder.path)
    #expect(try contents(folder.file("out/units.log")) == damaged, "the file is as it was")
  }

  @Test("somebody else's folder is left alone")
  func foreignFolder() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("theirs"), withIntermediateDirectories: false)
    _ = try folder.write([1, 2, 3], named: "theirs/report.md")
    for more in [[], ["--resume"]] {
      try expectFailure(
        arguments(more, output: "theirs"), code: 73, saying: ["report.md"], in: folder.path)
    }
    #expect(try contents(folder.file("theirs/report.md")) == [1, 2, 3])
    try expectFailure(
      arguments(output: "suite.json"), code: 73, saying: ["suite.json"], in: folder.path)
  }

  @Test("a file of the user's that is called as a suite's is left as it is")
  func foreignJournal() throws {
    let diary = Array("my diary: water pump at 7".utf8)
    let path = folder.file("diary")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    _ = try folder.write(diary, named: "diary/units.log")
    try expectFailure(
      arguments(["--resume"], output: "diary"), code: 65, saying: ["units.log", "line 1"],
      in: folder.path)
    #expect(try contents(folder.file("diary/units.log")) == diary)
  }

  @Test("wrong usage is one line, before any folder is made")
  func usage() throws {
    for (arguments, code, words) in [
      (["--suite=smal", "--output=o"], 66, ["'smal'", "small"]),
      (["--suite=small"], 64, ["--output"]),
      (["--suite=small", "--output=o", "--problem=mnist"], 64, ["--problem"]),
      (["--suite=small", "--output=o", "--tune"], 64, ["--tune"]),
      (["--suite=small", "--output=o", "--trials=3"], 64, ["--trials", "11"]),
      (["--problem=simple", "--optimizers=Adam", "--resume"], 64, ["--resume", "--suite"]),
      (["--problem=simple", "--optimizers=Adam", "--trials=20"], 64, ["--trials", "--tune"]),
      (["--suite=small", "--output=o", "--optimizers=A=none"], 66, ["'none'"]),
      (["--suite=small", "--output=o", "--optimizers=A=pretrained:x"], 66, ["'pretrained:x'"]),
      (["--suite=small", "--output=o", "--optimizers=Adam,Adam"], 64, ["twice"]),
      (["--suite=small", "--output=o", "--horizons=0"], 64, ["--horizons"]),
      (["--suite=small", "--output=o", "--horizons=1,5,1"], 64, ["--horizons", "1 twice"]),
      (["--problem=simple", "--optimizers=Adam", "--net_option=x=1"], 64, ["--net_option"]),
      (
        ["--problem=simple,quadratic", "--optimizers=Adam", "--num_epochs=1"], 64,
        ["--num_epochs", "2 problems"]
      ),
    ] as [([String], Int32, [String])] {
      try expectFailure(["compare"] + arguments, code: code, saying: words, in: folder.path)
    }
    _ = try folder.write(
      Array(#"{"tasks": [{"problem": "perceptron", "options": {"layer": 3}, "steps": 1}]}"#.utf8),
      named: "wrong.json")
    try expectFailure(
      ["compare", "--suite=wrong.json", "--output=o"], code: 64, saying: ["perceptron", "layer"],
      in: folder.path)
    _ = try folder.write(Array("{".utf8), named: "broken.json")
    try expectFailure(
      ["compare", "--suite=broken.json", "--output=o"], code: 65, saying: ["broken.json", "JSON"],
      in: folder.path)
    #expect(try folder.names() == ["broken.json", "suite.json", "wrong.json"])
  }

  @Test("a family of problems can be compared on, too; each optimizee has its own member")
  func family() throws {
    let result = try run(
      [
        "compare", "--problem=perceptrons", "--problem_option=depths=0,1", "--num_epochs=3",
        "--problem_option=widths=2,4", "--optimizers=Adam,SGD", "--num_steps=3", "--output=out",
        "--data_dir=synthetic",
      ], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    let rows = try text("out/curves.csv").split(separator: "\n").dropFirst()
    #expect(rows.count == 2 * 3 * 4)
    let starts = rows.map { $0.split(separator: ",") }.filter { $0[0] == "Adam" && $0[2] == "0" }
    #expect(Set(starts.map { $0[3] }).count == 3)
  }
}
