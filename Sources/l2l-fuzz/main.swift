import CAllocation
internal import Essentials
import Files
internal import Platform

/// How to be called.
let usage =
  "l2l-fuzz [--runs N] [--seed S] [--minutes M] [--corpus FOLDER] [READER...]; readers are "
  + Reader.all.map(\.name).joined(separator: ", ")
  + "; --check only tries whether crashes, hangs and allocations are seen"

func fail(_ text: String) -> Never {
  let line = "l2l-fuzz: error: \(text)\n"
  _ = write(STDERR_FILENO, line, line.utf8.count)
  exit(64)
}

// Inputs of each reader.
var runs = 10_000
var seed: UInt64 = 1
var minutes = 1e6
var corpus = "Tests/Fuzz"
var names: [String] = []
var checks = false
// Set by the parent: a batch to run in this process, and the file of the number under way.
var batch: Range<Int>?
var note: String?

var words = CommandLine.arguments.dropFirst()
while let word = words.popFirst() {
  func value() -> String { words.popFirst() ?? { fail("\(word) needs a value: \(usage)") }() }
  switch word {
  case "--runs": runs = Int(value()) ?? { fail(usage) }()
  case "--seed": seed = UInt64(value()) ?? { fail(usage) }()
  case "--minutes": minutes = Double(value()) ?? { fail(usage) }()
  case "--corpus": corpus = value()
  case "--note": note = value()
  case "--check": checks = true
  case "--batch":
    guard let start = Int(value()), let end = Int(value()), start <= end else { fail(usage) }
    batch = start..<end
  default:
    guard (Reader.all + Reader.traps).contains(where: { $0.name == word }) else { fail(usage) }
    names.append(word)
  }
}
let readers =
  names.isEmpty ? Reader.all : (Reader.all + Reader.traps).filter { names.contains($0.name) }
let fuzzing = Fuzzing(seed: seed, corpus: corpus)

if let batch {
  for reader in readers { try fuzzing.run(reader, batch, notedIn: note) }
  exit(0)
}

if checks {
  var unseen = 0
  for trap in Reader.traps {
    let bad = try fuzzing.firstBad(trap, 0..<4)
    print("fuzz: \(trap.name) \(bad.map { "passed (seen: \($0.how))" } ?? "FAILED (not seen)")")
    unseen += bad == nil ? 1 : 0
  }
  exit(unseen == 0 ? 0 : 1)
}

let watch = ContinuousClock()
let start = watch.now
var done: [String: Int] = [:]
var failures: [String: Int] = [:]
var spent: [String: Duration] = [:]
let batchSize = 20_000
// In turns, so that a limit of time is shared.
for first in stride(from: 0, to: runs, by: batchSize) {
  for reader in readers where watch.now - start < .seconds(minutes * 60) {
    var next = first
    let end = min(first + batchSize, runs)
    let begin = watch.now
    while next < end, failures[reader.name, default: 0] < 10 {
      guard let (number, how) = try fuzzing.firstBad(reader, next..<end) else { break }
      let file = "crash-\(reader.name)-\(seed)-\(number)"
      try AtomicFile.write(fuzzing.input(number, of: reader), to: file)
      print("fuzz: \(reader.name): input \(number) FAILED (\(how)), it is in '\(file)'")
      failures[reader.name, default: 0] += 1
      next = number + 1
    }
    done[reader.name, default: 0] += end - first
    spent[reader.name, default: .zero] += watch.now - begin
  }
}
for reader in readers {
  let count = done[reader.name] ?? 0
  let rate = Double(count) / max((spent[reader.name] ?? .zero) / .seconds(1), 1e-9)
  let bad = failures[reader.name] ?? 0
  print(
    "fuzz: \(reader.name) \(bad == 0 ? "passed" : "FAILED") (\(count) inputs, \(Int(rate)) a second)"
  )
}
exit(failures.isEmpty ? 0 : 1)
