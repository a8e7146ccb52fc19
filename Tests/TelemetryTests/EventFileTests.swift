import Files
import Foundation
import MetaTraining
import Telemetry
import TestSupport
import Testing
import Unrolling

@Suite("EventFile")
struct EventFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ name: String = "log", resumingAfter epoch: Int? = nil) throws -> EventFile {
    try EventFile(in: folder.file(name), resumingAfter: epoch, stepsPerEpoch: 16) {
      Issue.record("\($0)")
    }
  }

  private func files(_ name: String = "log") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file(name)).sorted()
      .map { folder.file("\(name)/\($0)") }
  }

  @Test("an independent reader finds all that the training told")
  func contents() throws {
    let file = try open()
    let summaries = Summaries()
    try train(ObserverGroup([file, summaries]))
    try file.flush()
    let paths = try files()
    #expect(paths.count == 1)
    #expect(paths[0].contains(/\/events\.out\.tfevents\.\d{10}\..+\.l2l$/))
    let events = try ReadEvent.all(in: paths[0])
    #expect(events.map(\.step) == [0, 0, 2, 3, 4, 6, 6])
    #expect(events[0].fileVersion == "brain.Event:2")
    #expect(events[1].sessionStatus == 1)
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(abs(events[0].time - Date().timeIntervalSince1970) < 60)

    let periods = events.filter { $0.scalars["loss/train"] != nil }
    #expect(periods.count == 3)
    for (event, summary) in zip(periods, summaries.periods) {
      let expected: [String: Double?] = [
        "loss/train": summary.meanCost, "meta_loss": summary.metaSteps.meanMetaLoss,
        "meta_gradient_norm": summary.metaSteps.meanGradientNorm,
        "weight_norm": summary.weightNorm, "diverged/train": 0,
        "throughput/epochs_per_second": 1 / summary.meanTime,
        "throughput/steps_per_second": 16 / summary.meanTime,
        "wait/rank_0": summary.timings.first?.wait,
        "gauge/signal_to_noise": summary.gauge.signalToNoise, "gauge/cosine": summary.gauge.cosine,
        "gauge/dropped": summary.gauge.droppedShare,
        "throughput/windows_per_second": summary.windowsPerSecond,
      ]
      #expect(event.scalars == expected.compactMapValues { $0.map { Float($0) } })
    }
    let evaluations = events.filter { $0.scalars["loss/evaluation"] != nil }
    #expect(evaluations.count == 2)
    for (event, summary) in zip(evaluations, summaries.evaluations) {
      #expect(
        event.scalars == ["loss/evaluation": Float(summary.meanCost), "diverged/evaluation": 0])
      let histogram = try #require(summary.updates.first?.histogram)
      let read = try #require(event.histograms["updates/cw"])
      #expect(read.limits == histogram.bins.map(\.upperBorder))
      #expect(read.counts == histogram.bins.map { Double($0.count) })
      // 2 epochs of 8 steps on 3 x 2 parameters.
      #expect(read.figures[3] == 96 && read.counts.reduce(0, +) == 96)
      #expect(read.figures[1] == Double(histogram.minimum))
      #expect(read.figures[2] == Double(histogram.maximum))
      #expect(read.figures[4] == histogram.sum && read.figures[5] == histogram.sumOfSquares)
    }
  }

  @Test("each tag is described and given to its plugin with its first value alone")
  func descriptions() throws {
    let file = try open()
    try train(file)
    try file.flush()
    let events = try ReadEvent.all(in: try files()[0])
    let tags = events.flatMap { Array($0.scalars.keys) + Array($0.histograms.keys) }
    let described = events.flatMap(\.descriptions.keys)
    #expect(described.sorted() == Set(tags).sorted())
    for event in events {
      for (tag, plugin) in event.plugins {
        #expect(plugin == (event.histograms[tag] == nil ? "scalars" : "histograms"))
      }
    }
  }

  @Test("a resumed training opens a later file, and says from where old points go")
  func resuming() throws {
    try open().flush()
    // A file of a host whose clock is ahead.
    let ahead = folder.file("log/events.out.tfevents.4000000000.other.l2l")
    try Data().write(to: URL(fileURLWithPath: ahead))
    for epoch in [3, 7] { try open(resumingAfter: epoch).flush() }
    let paths = try files()
    #expect(paths.count == 4)
    #expect(paths[2].contains("tfevents.4000000001."))
    #expect(paths[3].contains("tfevents.4000000002."))
    let starts = try paths[2...].map { try ReadEvent.all(in: $0)[1] }
    #expect(starts.map(\.step) == [4, 8])
    #expect(starts.allSatisfy { $0.sessionStatus == 1 })
  }

  @Test("a new training does not mix its events with another's")
  func folderInUse() throws {
    let file = try open()
    let before = try files()
    // One that has told nothing yet, but lives.
    #expect(throws: TelemetryError.self) { try open() }
    try train(file)
    try file.flush()
    #expect(throws: TelemetryError.self) { try open() }
    #expect(try files() == before)
  }

  @Test("a new training takes the folder of one that was killed before its first event")
  func takingOver() throws {
    // Nobody holds it open any more.
    try open().flush()
    try open().flush()
    #expect(try files().count == 2)
    _ = try folder.write(Array(repeating: 0, count: 1000), named: "log/events.out.tfevents.1.x")
    #expect(throws: TelemetryError.self) { try open() }
  }

  @Test(
    "numbers in names that are no times do no harm",
    arguments: ["9223372036854775807", "9223372036854775806", "99999999999999999999", "", "٣"])
  func oddTimes(digits: String) throws {
    #expect(mkdir(folder.file("log"), 0o777) == 0)
    _ = try folder.write([], named: "log/events.out.tfevents.\(digits).host")
    try open(resumingAfter: 3).flush()
    #expect(try files().count == 2)
  }

  @Test("what can't be made is an error with its cause, and nothing is left")
  func unwritable() throws {
    #expect(
      throws: TelemetryError.file(
        .cannotWrite(path: "/proc/missing/log", call: "mkdir", code: ENOENT))
    ) {
      try EventFile(in: "/proc/missing/log", resumingAfter: nil, stepsPerEpoch: 1) { _ in }
    }
    try Data().write(to: URL(fileURLWithPath: folder.file("file")))
    #expect(
      throws: TelemetryError.file(
        .cannotWrite(path: folder.file("file"), call: "mkdir", code: ENOTDIR))
    ) { try open("file") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
  }

  @Test("a training that does not start takes its file back, and the folder that it made")
  func discarding() throws {
    #expect(mkdir(folder.file("old"), 0o777) == 0)
    for name in ["old", "new", "parent/new"] { try open(name).discard() }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["old"])
    #expect(try files("old") == [])
  }
}
