import Files
import Foundation
import MetaTraining
import Telemetry
import TestSupport
import Testing

@Suite("MetricsFile")
struct MetricsFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(epoch: Int = 0, isUnevaluated: Bool = false) throws -> MetricsFile {
    try MetricsFile(
      in: folder.path, epoch: epoch, isUnevaluated: isUnevaluated, stepsPerEpoch: 16
    ) { Issue.record("\($0)") }
  }

  private var text: String {
    get throws { try String(contentsOfFile: folder.file("metrics.csv"), encoding: .utf8) }
  }

  private func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("metrics.csv")))
  }

  private func row(_ epoch: Int, _ kind: String) -> String {
    "\(epoch),\(kind),1,,,2,,0,1,3,,,,,,,"
  }

  @Test("each column holds what its name says")
  func columns() throws {
    let file = try open()
    let summaries = Summaries()
    try train(ObserverGroup([file, summaries]))
    try file.flush()
    let lines = try text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0] == MetricsFile.header && lines.last == "")
    let names = lines[0].split(separator: ",").map(String.init)
    let rows = lines.dropFirst().dropLast().map { line in
      Dictionary(
        uniqueKeysWithValues: zip(
          names, line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)))
    }
    #expect(rows.allSatisfy { $0.count == names.count })
    #expect(rows.map { $0["epoch"] } == ["2", "3", "4", "6", "6"])
    let trained = rows.filter { $0["kind"] == "train" }
    try #require(trained.count == 3)
    for (row, summary) in zip(trained, summaries.periods) {
      #expect(row["loss"] == "\(summary.meanCost)")
      #expect(row["meta_loss"].flatMap(Double.init) == summary.metaSteps.meanMetaLoss)
      #expect(
        row["meta_gradient_norm"].flatMap(Double.init) == summary.metaSteps.meanGradientNorm)
      #expect(row["weight_norm"] == "\(summary.weightNorm)")
      #expect((row["best"], row["diverged"], row["optimizees"]) == ("", "0", "4"))
      #expect(row["epoch_seconds"] == "\(summary.meanTime)")
      #expect(row["steps_per_second"] == "\(1 / summary.meanTime * 16)")
      #expect(row["wait_seconds"]?.wholeMatch(of: /\d+\.\d{6}/) != nil)
    }
    let evaluated = rows.filter { $0["kind"] == "evaluation" }
    try #require(evaluated.count == 2)
    #expect(evaluated[0]["best"] == "1")
    for (row, summary) in zip(evaluated, summaries.evaluations) {
      #expect(row["loss"] == "\(summary.meanCost)")
      #expect((row["diverged"], row["optimizees"]) == ("0", "2"))
      for name in ["meta_loss", "meta_gradient_norm", "steps_per_second", "wait_seconds"] {
        #expect(row[name] == "", "\(name)")
      }
    }
  }

  @Test("rows beyond the state are cut off, and an evaluation that is still to come")
  func cutting() throws {
    let rows = [
      row(2, "train"), row(3, "evaluation"), row(4, "train"), row(6, "train"),
      row(6, "evaluation"), row(8, "train"),
    ]
    for (epoch, isDue, count) in [
      (0, false, 0), (2, false, 1), (3, true, 1), (3, false, 2), (5, false, 3), (6, true, 4),
      (6, false, 5), (9, false, 6),
    ] {
      let whole = ([MetricsFile.header] + rows).map { $0 + "\n" }.joined()
      // As a whole, and with a line that a crash has torn.
      for end in ["", "8,evalu", row(10, "train")] {
        try write(whole + end)
        try open(epoch: epoch, isUnevaluated: isDue).flush()
        let kept = [MetricsFile.header] + rows[..<count]
        #expect(try text == kept.map { $0 + "\n" }.joined(), "\(epoch) \(isDue) '\(end)'")
      }
    }
  }

  @Test(
    "line ends of other systems, a byte-order mark and a missing last line end lose no row",
    arguments: [
      ("\r\n", "", ""), ("\r\n", "\u{FEFF}", "\r\n"), ("\n", "\u{FEFF}", "\n"), ("\n", "", ""),
    ])
  func editors(lineEnd: String, start: String, end: String) throws {
    let lines = [MetricsFile.header, row(2, "train"), row(3, "evaluation"), row(4, "train")]
    for (epoch, count) in [(4, 4), (3, 3), (0, 1)] {
      try write(start + lines.joined(separator: lineEnd) + end)
      try open(epoch: epoch).flush()
      #expect(try text == lines[..<count].map { $0 + "\n" }.joined())
    }
    // On some lines only.
    try write(lines[0] + "\n" + lines[1] + "\r\n" + lines[2] + "\n" + lines[3] + "\r\n")
    try open(epoch: 4).flush()
    #expect(try text == lines.map { $0 + "\n" }.joined())
  }

  @Test("a table of which only line ends were changed to CR is refused, not emptied")
  func carriageReturns() throws {
    let contents = MetricsFile.header + "\r" + row(2, "train") + "\r"
    try write(contents)
    #expect(
      throws: TelemetryError.malformedMetrics(path: folder.file("metrics.csv"), line: 1)
    ) { try open(epoch: 9) }
    #expect(try text == contents)
  }

  @Test("what is no regular file, or can't be read, is an error and no empty table")
  func unreadable() throws {
    #expect(mkfifo(folder.file("metrics.csv"), 0o600) == 0)
    #expect(throws: TelemetryError.file(.notARegularFile(path: folder.file("metrics.csv")))) {
      try open()
    }
  }

  @Test("a table without a whole header, or none at all, starts anew", arguments: ["", "epo"])
  func noTable(start: String) throws {
    try open(epoch: 5).flush()
    #expect(try text == MetricsFile.header + "\n")
    try write(start)
    try open(epoch: 5).flush()
    #expect(try text == MetricsFile.header + "\n")
  }

  @Test("what is no table of this program is an error with the line, and stays as it is")
  func malformed() throws {
    let header = MetricsFile.header
    let cases = [
      ("a,b\n1,2\n", 1), ("\n", 1), (header + "\nx,train,1,,,2,,0,1,3,,,,,,,\n", 2),
      (header + "\n\(row(2, "train"))\n\(row(4, "test"))\n", 3),
      (header + "\n\(row(2, "train")),\n", 2), (header + "\n\n", 2),
    ]
    for (contents, line) in cases {
      try write(contents)
      #expect(
        throws: TelemetryError.malformedMetrics(path: folder.file("metrics.csv"), line: line)
      ) { try open(epoch: 9) }
      #expect(try text == contents)
    }
  }
}
