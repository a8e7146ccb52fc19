import Files
import Foundation
import Processes

/// Inputs for the readers: a seed, and what the mutations start from.
struct Fuzzing {
  let seed: UInt64
  /// The folder of what was found to break a reader, in a subfolder each.
  let corpus: String

  /// The valid inputs of a reader, and those of the corpus.
  private func seeds(_ reader: Reader) throws -> [[UInt8]] {
    let folder = "\(corpus)/\(reader.name)"
    let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return try reader.seeds() + files.map { try FileReader(path: "\(folder)/\($0)").bytes() }
  }

  /// One input.
  func input(_ number: Int, of reader: Reader) throws -> [UInt8] {
    var mutation = Mutation(seed: seed, number: number)
    return mutation.input(from: try seeds(reader))
  }

  /// Runs a batch here; dies of what is to be found.
  func run(_ reader: Reader, _ numbers: Range<Int>) throws {
    let seeds = try seeds(reader)
    let folder = NSTemporaryDirectory() + "l2l-fuzz-\(getpid())"
    try Folder.make(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for number in numbers {
      var mutation = Mutation(seed: seed, number: number)
      let input = mutation.input(from: seeds)
      // An error is what a reader should have for most of them.
      do { try reader.read(input, folder) } catch {}
    }
  }

  /// Whether a batch ends well in a process of its own, which has two minutes and 4 GB.
  func endsWell(_ reader: Reader, _ numbers: Range<Int>) -> Bool {
    let arguments = [
      reader.name, "--seed", "\(seed)", "--corpus", corpus, "--batch", "\(numbers.lowerBound)",
      "\(numbers.upperBound)",
    ]
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    return ChildProcess.run(
      "/bin/sh",
      ["-c", "ulimit -v 4194304; exec \"$0\" \"$@\"", CommandLine.arguments[0]] + arguments,
      timeout: 120
    ).end == .exited(0)
  }

  /// The first input of a bad batch, by halving; nil when its halves end well.
  func worst(_ reader: Reader, _ numbers: Range<Int>) -> Int? {
    var numbers = numbers
    while numbers.count > 1 {
      let middle = numbers.lowerBound + numbers.count / 2
      let halves = [numbers.lowerBound..<middle, middle..<numbers.upperBound]
      guard let bad = halves.first(where: { !endsWell(reader, $0) }) else { return nil }
      numbers = bad
    }
    return numbers.lowerBound
  }
}
