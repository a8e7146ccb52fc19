import Foundation
import TestSupport
import Testing

@Suite("report and envelope")
struct ReportCommandTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    String(decoding: try contents(folder.file(name)), as: UTF8.self)
  }

  private func train() throws {
    let result = try run(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=2",
        "--problem_option=num_dims=3", "--num_epochs=20", "--evaluation_period=10",
        "--log_period=5", "--optimizees=2", "--save_path=net",
      ], in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
  }

  @Test("a training's page has its course, gauge and the losses of an evaluation")
  func training() throws {
    try train()
    let before = try text("net/metrics.csv")
    let result = try run(
      ["report", "net", "--output=page", "--num_epochs=3", "--seed=2"], in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("page")).sorted() == [
        "evaluation.csv", "report.html", "report.md",
      ])
    let evaluated = try run(
      ["evaluate", "--path=net", "--num_epochs=3", "--seed=2", "--output=losses.csv"],
      in: folder.path)
    try #require(evaluated.code == 0, "\(evaluated.errors)")
    #expect(try text("page/evaluation.csv") == text("losses.csv"))
    let html = try text("page/report.html")
    for title in [
      "Loss by epoch", "Length of meta-gradients", "Signal to noise of meta-gradients",
      "On optimizees that it has not seen", "unroll_length",
    ] {
      #expect(html.contains(title), "\(title)")
    }
    #expect(try text("net/metrics.csv") == before)
    // Never over what is there.
    try expectFailure(
      ["report", "net", "--output=page"], code: 73, saying: ["'page'"], in: folder.path)
  }

  @Test("with a suite the page has its results too, and goes on after a stop")
  func suite() throws {
    try train()
    _ = try folder.write(
      Array(#"{"tasks": [{"problem": "beale", "steps": 5}], "seeds": 2}"#.utf8),
      named: "suite.json")
    let arguments = ["report", "net", "--output=page", "--num_epochs=2", "--suite=suite.json"]
    let result = try run(arguments, in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    let markdown = try text("page/report.md")
    #expect(markdown.contains("# Training net") && markdown.contains("Over all tasks"))
    let again = try run(arguments + ["--resume"], in: folder.path)
    #expect(again.code == 0 && again.output == result.output, "\(again.errors)")
    #expect(try text("page/report.md").contains("Over all tasks"))
  }

  @Test("what is no training is refused in one line")
  func wrongTraining() throws {
    _ = try folder.write(Array("a,b\n".utf8), named: "metrics.csv")
    try expectFailure(["report"], code: 64, saying: ["folder of a training"], in: folder.path)
    try expectFailure(["report", "net"], code: 64, saying: ["--output"], in: folder.path)
    try expectFailure(
      ["report", "none", "--output=page"], code: 66, saying: ["none"], in: folder.path)
    try expectFailure(
      ["report", ".", "--output=page"], code: 65, saying: ["metrics.csv"], in: folder.path)
    #expect(try folder.names() == ["metrics.csv"])
  }

  @Test("an envelope is made, gone on with, and used by its task's name")
  func envelope() throws {
    let arguments = [
      "envelope", "--problem=beale", "--num_steps=40", "--num_epochs=2", "--name=mine",
      "--output=made",
    ]
    let result = try run(arguments, in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.lines.count == 5 && result.lines[4].hasPrefix("step 40: "))
    let made = try text("made/envelope.json")
    let journal = try contents(folder.file("made/units.log"))
    _ = try folder.write(Array(journal.prefix(journal.count / 3)), named: "made/units.log")
    let resumed = try run(arguments + ["--resume"], in: folder.path)
    #expect(resumed.code == 0 && resumed.output == result.output, "\(resumed.errors)")
    #expect(try text("made/envelope.json") == made)
    _ = try folder.write(
      Array(
        #"{"tasks": [{"problem": "beale", "steps": 20, "name": "mine"}], "baselines": ["SGD"]}"#
          .utf8), named: "suite.json")
    let compared = try run(
      ["compare", "--suite=suite.json", "--envelope=made/envelope.json", "--output=out"],
      in: folder.path)
    try #require(compared.code == 0, "\(compared.errors)")
    #expect(compared.lines[1].contains("speedup over the envelope"))
    #expect(try text("out/summary.csv").contains("speedup_over_the_envelope iqm"))
  }

  @Test("files that are no envelopes, or of other tasks, are refused before any work")
  func wrongEnvelope() throws {
    _ = try folder.write(Array(#"{"other": [[0, 1], [2, 1]]}"#.utf8), named: "other.json")
    _ = try folder.write(Array(#"{"other": [[0, 1], [1, 2]]}"#.utf8), named: "rising.json")
    for (file, words) in [
      ("other.json", ["other", "'name'"]), ("rising.json", ["'other'", "losses"]),
    ] {
      try expectFailure(
        ["compare", "--suite=small", "--output=out", "--envelope=\(file)"], code: 65, saying: words,
        in: folder.path)
    }
    try expectFailure(
      ["compare", "--suite=small", "--output=out", "--envelope=none.json"], code: 66,
      saying: ["none.json"], in: folder.path)
    try expectFailure(
      ["envelope", "--problem=beale", "--num_steps=15", "--output=out"], code: 64,
      saying: ["multiple of 10"], in: folder.path)
    #expect(try folder.names() == ["other.json", "rising.json"])
  }
}
