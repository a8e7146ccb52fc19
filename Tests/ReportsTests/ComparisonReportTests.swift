import Comparison
import Foundation
import LearnedOptimizers
import Reports
import Settings
import Testing
import Unrolling

@Suite("reports of comparisons")
struct ComparisonReportTests {
  /// A report of runs that halve, stay, rise, diverge in part or at once.
  private func report(
    _ labels: [String], epochs: Int = 4, steps: Int = 6
  ) -> ComparisonReport {
    var settings = ContestSettings()
    settings.epochCount = epochs
    settings.stepCount = steps
    let contenders = labels.map {
      Contender(
        label: $0,
        rule: $0.hasPrefix("L2L")
          ? .learned(TrainedNets(nets: [], weights: []))
          : .baseline(Baseline.standard[1], rate: 0.5))
    }
    let runs = labels.indices.map { position in
      (0..<epochs).map { epoch in
        let losses: [Float] = (0...steps).map { step in
          let start = 3 + Float(epoch) / 10
          switch position % 5 {
          case 0: return start * Float(pow(0.5, Double(step)))
          case 1: return start
          case 2: return start * Float(pow(50, Double(step)))
          case 3: return epoch == 0 && step > 3 ? .infinity : start / Float(step + 1)
          default: return step > 0 ? .infinity : start
          }
        }
        let taken = min(losses.count { $0.isFinite }, steps)
        return ContestRun(
          losses: losses, steps: taken, seconds: 0.001 * Double(taken * (position + 1)))
      }
    }
    let nothing = [Float?](repeating: nil, count: labels.count)
    return ComparisonReport(
      problem: "quadratic", split: "test", settings: settings,
      standings: Standings(
        contenders, rates: nothing, searches: labels.map { _ in nil }, runs: runs, seed: 0),
      runs: runs, facts: ["host": .string("h")])
  }

  @Test("CSV files have a row a loss, a run, a step; a diverged run's loss is inf")
  func csv() throws {
    let report = report(["L2L", "a", "b", "c"], epochs: 2, steps: 4)
    let curves = report.curves.split(separator: "\n")
    #expect(curves.count == 1 + 4 * 2 * 5 && curves[0] == "optimizer,epoch,step,loss")
    #expect(curves[1] == "L2L,0,0,3.0" && curves[2] == "L2L,0,1,1.5")
    #expect(curves.contains("c,0,4,inf"))
    #expect(report.times.split(separator: "\n").count == 1 + 4 * 2)
    let summary = report.summary.split(separator: "\n")
    #expect(summary.count == 1 + 4 * 5)
    #expect(summary.last?.hasSuffix(",1") == true, "one run of c is left")
    for line in summary { #expect(line.split(separator: ",").count == 9) }
  }

  @Test("tables and figures say that images are synthetic")
  func synthetic() {
    let plain = report(["L2L", "Adam"], epochs: 2, steps: 4)
    let drawn = ComparisonReport(
      problem: plain.problem, split: plain.split, isSynthetic: true, settings: plain.settings,
      standings: plain.standings, runs: plain.runs, facts: [:])
    let sample = "2 optimizees of the synthetic test split"
    #expect(drawn.table.first == "quadratic: \(sample), 4 steps, seed 0")
    #expect(drawn.figureScript.contains(sample))
    #expect(!plain.figureScript.contains("synthetic"))
  }

  @Test("the table fits 80 columns with names of up to a dozen letters")
  func width() {
    let lines = report(["L2L", "Adam", "RMSprop", "SGD", "Momentum"], epochs: 100).table
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.map(\.count))")
    #expect(lines[0].hasPrefix("quadratic: 100 optimizees of the test split, 6 steps, seed 0"))
    // SGD has one diverged run of 100 and Momentum all: both are said.
    #expect(lines.contains { $0.hasPrefix("SGD ") && $0.hasSuffix(" 1") })
    #expect(lines.contains { $0.hasPrefix("Momentum ") && $0.hasSuffix(" 100") })
  }

  @Test("JSON can be read back and has null for what is infinite")
  func json() throws {
    let value = try #require(JSONValue(parsing: report(["L2L", "a", "b", "c", "d"]).json.text))
    let optimizers = try #require(value.object?["optimizers"]?.array)
    #expect(optimizers.count == 5)
    #expect(optimizers[4].object?["final"]?.object?["mean"] == .null)
    #expect(optimizers[4].object?["diverged"] == .number(4))
    #expect(value.object?["host"] == .string("h"))
  }

  @Test(
    "gnuplot draws every kind of comparison without a word, with every name in the figure",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot")),
    arguments: [
      ["L2L"], ["a"], ["L2L", "Adam"], ["a", "b", "c", "d", "e"],
      (0..<16).map { "L2L number \($0) of 16 with a name" },
    ], [1, 4])
  func figures(labels: [String], epochs: Int) throws {
    let folder = NSTemporaryDirectory() + "l2l-figure-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let report = report(labels, epochs: epochs)
    for (name, text) in report.files {
      try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
    }
    #expect(Gnuplot.run("\(folder)/figure.gp") == .drawn)
    for name in ComparisonReport.figureNames {
      let data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
      #expect(data.count > 5_000, "\(name)")
      guard name.hasSuffix("svg") else { continue }
      let text = String(decoding: data, as: UTF8.self)
      #expect(text.hasSuffix("</svg>\n\n"))
      for label in labels { #expect(text.contains(label), "\(label) in \(name)") }
    }
  }
}
