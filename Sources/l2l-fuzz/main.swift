import Files
import Foundation

/// How to be called.
let usage =
  "l2l-fuzz [--runs N] [--seed S] [--corpus FOLDER] [READER...]; readers are "
  + Reader.all.map(\.name).joined(separator: ", ")

func fail(_ text: String) -> Never {
  FileHandle.standardError.write(Data("l2l-fuzz: error: \(text)\n".utf8))
  exit(64)
}

var runs = 10_000
var seed: UInt64 = 1
var corpus = "Tests/Fuzz"
var names: [String] = []
// Set by the parent: a batch to run in this process.
var batch: Range<Int>?

var words = CommandLine.arguments.dropFirst()
while let word = words.popFirst() {
  func value() -> String { words.popFirst() ?? { fail("\(word) needs a value: \(usage)") }() }
  switch word {
  case "--runs": runs = Int(value()) ?? { fail(usage) }()
  case "--seed": seed = UInt64(value()) ?? { fail(usage) }()
  case "--corpus": corpus = value()
  case "--batch":
    guard let start = Int(value()), let end = Int(value()), start <= end else { fail(usage) }
    batch = start..<end
  default:
    guard Reader.all.contains(where: { $0.name == word }) else { fail(usage) }
    names.append(word)
  }
}
let readers = Reader.all.filter { names.isEmpty || names.contains($0.name) }
let fuzzing = Fuzzing(seed: seed, corpus: corpus)

if let batch {
  for reader in readers { try fuzzing.run(reader, batch) }
  exit(0)
}

var failures = 0
for reader in readers {
  var bad: [Int] = []
  for start in stride(from: 0, to: runs, by: 5_000) {
    let numbers = start..<min(start + 5_000, runs)
    guard !fuzzing.endsWell(reader, numbers) else { continue }
    bad.append(fuzzing.worst(reader, numbers) ?? start)
  }
  for number in bad {
    let file = "crash-\(reader.name)-\(seed)-\(number)"
    try AtomicFile.write(fuzzing.input(number, of: reader), to: file)
    print("fuzz: \(reader.name): input \(number) FAILED, it is in '\(file)'")
  }
  if bad.isEmpty { print("fuzz: \(reader.name) passed (\(runs) inputs)") }
  failures += bad.count
}
exit(failures == 0 ? 0 : 1)
