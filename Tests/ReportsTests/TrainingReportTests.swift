import Reports
import Testing

@Suite("reports of trainings")
struct TrainingReportTests {
  private static let table = """
    epoch,kind,loss,meta_gradient_norm,best,signal_to_noise
    10,train,2.0,0.5,,1.5
    20,train,1.0,0.25,,0.5
    20,evaluation,0.75,,1,
    30,train,inf,,,
    30,evaluation,0.5,,1,
    30,evaluation,0.
    """

  @Test("a table is read by its columns; an unfinished last line is left out")
  func reading() throws {
    let rows = try #require(TrainingReport.rows(ofTable: Self.table))
    #expect(rows.count == 5)
    #expect(
      rows[0].numbers == [
        "epoch": 10, "loss": 2, "meta_gradient_norm": 0.5, "signal_to_noise": 1.5,
      ])
    #expect(rows[2].isEvaluation && rows[2].numbers["best"] == 1)
    let other = Self.table.replacing("\n", with: "\r\n")
    #expect(TrainingReport.rows(ofTable: other) == rows)
    #expect(TrainingReport.rows(ofTable: "a,b\n1,2\n") == nil)
    #expect(TrainingReport.rows(ofTable: "") == nil)
  }

  @Test("evaluations that were the best, the gauge and the fresh optimizees are told")
  func page() throws {
    let rows = try #require(TrainingReport.rows(ofTable: Self.table))
    let report = TrainingReport(
      title: "T", facts: [("problem", "mnist & co")], rows: rows,
      heldOut: TrainingReport.HeldOut(
        curves: [[2, 1], [2, 0.5], [2, .infinity]], words: "3 optimizees", seed: 0), suite: nil)
    let files = Dictionary(uniqueKeysWithValues: report.files.map { ($0.name, $0.text) })
    #expect(files.keys.sorted() == ["evaluation.csv", "report.html", "report.md"])
    #expect(files["evaluation.csv"]?.hasSuffix("2,0,2.0\n2,1,inf\n") == true)
    let markdown = try #require(files["report.md"])
    #expect(markdown.contains("| 20 | 0.75 | yes |") && markdown.contains("| 30 | 0.5 | yes |"))
    #expect(markdown.contains("| 0.75 | ") && markdown.contains("| 1 of 3 |"))
    let html = try #require(files["report.html"])
    #expect(html.contains("mnist &amp; co") && html.contains("Signal to noise"))
    #expect(report.lines.contains("3 optimizees"))
    let bare = TrainingReport(
      title: "T", facts: [], rows: rows.filter { $0.numbers["signal_to_noise"] == nil },
      heldOut: TrainingReport.HeldOut(curves: [[1]], words: "", seed: 0), suite: nil)
    #expect(bare.files.allSatisfy { !$0.text.contains("Trust in meta-gradients") })
  }
}
