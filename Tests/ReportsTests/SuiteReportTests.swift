import Comparison
import Foundation
import LearnedOptimizers
import Reports
import Testing

@Suite("reports of suites")
struct SuiteReportTests {
  private static var settings: SuiteSettings {
    var settings = SuiteSettings()
    settings.horizons = [1, 5]
    settings.seedCount = 3
    settings.trialCount = 4
    settings.pointCount = 4
    return settings
  }

  private static let tasks = [
    SuiteRecord.Task(name: "a task", stepCount: 10),
    SuiteRecord.Task(name: "below 0", stepCount: 3),
  ]

  private static let optimizers = [
    SuiteRecord.Optimizer(label: "L2L <1>", isBaseline: false),
    SuiteRecord.Optimizer(label: "Adam", isBaseline: true),
    SuiteRecord.Optimizer(label: "SGD", isBaseline: true),
  ]

  /// Units as a run makes them, with numbers of all kinds.
  private static let results: [SuiteResult] = {
    var results: [SuiteResult] = []
    for horizon in settings.horizons {
      for task in tasks.indices {
        for optimizer in optimizers.indices {
          results += units(task: task, horizon: horizon, optimizer: optimizer)
        }
      }
    }
    return results
  }()

  private static func units(task: Int, horizon: Int, optimizer: Int) -> [SuiteResult] {
    func unit(_ purpose: SuiteUnit.Purpose) -> SuiteUnit {
      SuiteUnit(
        task: tasks[task].name, horizon: horizon, entrant: optimizers[optimizer].label,
        purpose: purpose)
    }
    let steps = tasks[task].stepCount * horizon
    func runs(_ count: Int, points: Int) -> [SuiteRun] {
      (0..<count).map { seed in
        let losses = (0..<points).map { point -> Float? in
          let start = 2.3 + Float(seed) / 7
          // One of SGD's runs diverges.
          if optimizer == 2, seed == 1, point > 1, task == 0 { return nil }
          return start / Float(1 + point * (3 - optimizer)) - (task == 1 ? 1 : 0)
        }
        return SuiteRun(
          losses: losses, steps: steps, parameterCount: 7,
          gradientSeconds: 0.25 * Double(seed + 1), updateSeconds: 0.125 + Double(optimizer))
      }
    }
    var results: [SuiteResult] = []
    let rates: [Float] = optimizer == 0 ? [] : [0.001, 0.01, 0.1, 1]
    for (number, rate) in rates.enumerated() {
      let chosen = Hyperparameters(
        rate: rate, momentum: optimizer == 1 ? 0.85 : nil,
        schedule: RateSchedule(number == 2 ? .cosine : .constant))
      results.append(
        SuiteResult(
          unit(.trial(number)), hyperparameters: chosen,
          runs: runs(2, points: 1 + number).map(\.finalOnly)))
    }
    let chosen = results.min { $0.mean < $1.mean }?.hyperparameters
    for share in optimizer == 1 ? [0.25, 4] : [] {
      results.append(
        SuiteResult(
          unit(.told(share)), hyperparameters: chosen, runs: runs(3, points: 2).map(\.finalOnly)))
    }
    let points = settings.points(of: steps).count
    results.append(
      SuiteResult(unit(.final), hyperparameters: chosen, runs: runs(3, points: points)))
    return results
  }

  private static func report(_ results: [SuiteResult] = results) throws -> SuiteReport {
    let record = try #require(
      SuiteRecord(
        tasks: tasks, optimizers: optimizers, settings: settings, results: results))
    return SuiteReport(
      title: "Suite & test", record: record, settings: settings,
      facts: SuiteFacts(
        program: "1", programHash: "abc", settings: "seed 0",
        tasks: ["a task": "1", "below 0": "2"], optimizers: ["Adam": "3"],
        problems: ["a task": "perceptron"]))
  }

  private func rows(_ text: String) -> [[String]] {
    text.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The units that the CSV files tell of.
  private func read(_ report: SuiteReport) throws -> [SuiteResult] {
    var runs: [SuiteUnit: [Int: SuiteRun]] = [:]
    var chosen: [SuiteUnit: Hyperparameters] = [:]
    func unit(_ row: [String], _ purpose: SuiteUnit.Purpose) throws -> SuiteUnit {
      SuiteUnit(
        task: row[0], horizon: try #require(Int(row[1])), entrant: row[2], purpose: purpose)
    }
    func hyperparameters(_ cells: ArraySlice<String>) -> Hyperparameters? {
      let cells = Array(cells)
      guard let rate = Float(cells[0]), let schedule = RateSchedule(text: cells[3]) else {
        return nil
      }
      return Hyperparameters(
        rate: rate, momentum: Double(cells[1]), weightDecay: Float(cells[2]), schedule: schedule)
    }
    func add(_ loss: String, to unit: SuiteUnit, seed: String) throws {
      let value = try #require(Float(loss))
      runs[unit, default: [:]][try #require(Int(seed)), default: SuiteRun(losses: [])].losses
        .append(value.isFinite ? value : nil)
    }
    for row in rows(report.curves) { try add(row[5], to: unit(row, .final), seed: row[3]) }
    for row in rows(report.trials) {
      let unit = try unit(row, .trial(try #require(Int(row[3]))))
      chosen[unit] = hyperparameters(row[4..<8])
      try add(row[9], to: unit, seed: row[8])
    }
    for row in rows(report.told) {
      try add(row[5], to: unit(row, .told(try #require(Double(row[3])))), seed: row[4])
    }
    for row in rows(report.runs) { chosen[try unit(row, .final)] = hyperparameters(row[3..<7]) }
    for row in rows(report.times) {
      let unit = try unit(row, .final)
      let seed = try #require(Int(row[3]))
      runs[unit]?[seed]?.steps = try #require(Int(row[4]))
      runs[unit]?[seed]?.parameterCount = try #require(Int(row[5]))
      runs[unit]?[seed]?.gradientSeconds = try #require(Double(row[6]))
      runs[unit]?[seed]?.updateSeconds = try #require(Double(row[7]))
    }
    return runs.map { unit, runs in
      SuiteResult(
        unit, hyperparameters: chosen[unit], runs: runs.sorted { $0.key < $1.key }.map(\.value))
    }
  }

  @Test("the CSV files hold all that the report says: from them alone the same report is made")
  func derivable() throws {
    let report = try Self.report()
    let again = try Self.report(try read(report))
    #expect(again.markdown == report.markdown)
    #expect(again.html == report.html)
    #expect(again.summary == report.summary && again.profiles == report.profiles)
    #expect(again.lines == report.lines)
    // And a loss changed by its last bit is another report.
    var other = try read(report)
    let last = try #require(other.firstIndex { $0.unit.purpose == .final })
    var changed = other[last].runs
    changed[0].losses[1] = changed[0].losses[1]?.nextUp
    other[last] = SuiteResult(
      other[last].unit, hyperparameters: other[last].hyperparameters, runs: changed)
    #expect(try Self.report(other).curves != report.curves)
  }

  @Test("figures over all tasks are those of the runs' scores")
  func figures() throws {
    let report = try Self.report()
    let runs = rows(report.runs)
    for horizon in ["1", "5"] {
      for optimizer in Self.optimizers {
        let scores = runs.filter { $0[1] == horizon && $0[2] == optimizer.label }
          .compactMap { Double($0[10]) }
        #expect(scores.count == 6)
        let row = try #require(
          rows(report.summary).first {
            $0[0] == horizon && $0[1] == optimizer.label && $0[2] == "speedup iqm"
          })
        #expect(Double(row[3]) == Statistics.interquartileMean(scores))
        let words = String(format: "%.3g [%.3g, ", Double(row[3]) ?? 0, Double(row[4]) ?? 0)
        #expect(report.markdown.contains(words), "\(words)")
      }
    }
    #expect(report.markdown.contains("1 of 6"), "a run of SGD diverged")
  }

  @Test("the page stands alone: nothing is loaded, names are escaped, all tags are closed")
  func page() throws {
    let html = try Self.report().html
    #expect(html.hasPrefix("<!DOCTYPE html>"))
    for foreign in ["<script", "http:", "https:", "src=", "@import", "url("] {
      #expect(!html.contains(foreign), "\(foreign)")
    }
    #expect(html.contains("L2L &lt;1&gt;") && !html.contains("<1>"))
    #expect(html.contains("Suite &amp; test"))
    #expect(html.contains("prefers-color-scheme: dark") && html.contains("@media print"))
    // As XML, but for the doctype and the void elements of the head.
    let body = html.replacing("<!DOCTYPE html>\n", with: "")
      .replacing(#"<meta charset="utf-8">"#, with: "")
      .replacing(
        #"<meta name="viewport" content="width=device-width, initial-scale=1">"#, with: "")
    var open: [Substring] = []
    for match in body.matches(of: #/<(/?)([a-zA-Z0-9]+)[^>]*?(/?)>/#) {
      if match.3 == "/" { continue }
      if match.1.isEmpty {
        open.append(match.2)
      } else {
        #expect(open.popLast() == match.2)
      }
    }
    #expect(open.isEmpty)
    #expect(!html.contains("nan") && !html.contains("inf,"), "no number that can't be drawn")
  }

  @Test("a record without a final result is none")
  func incomplete() {
    let results = Self.results.filter { $0.unit.purpose != .final || $0.unit.horizon == 1 }
    #expect(
      SuiteRecord(
        tasks: Self.tasks, optimizers: Self.optimizers, settings: Self.settings, results: results)
        == nil)
  }
}

extension SuiteRun {
  fileprivate var finalOnly: SuiteRun { SuiteRun(losses: [losses.last ?? nil]) }
}
