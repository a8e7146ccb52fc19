import Catalogs
import CommandLine
import Datasets
import Files
import LearnedOptimizers
internal import Platform
import Safetensors
import Settings
import Telemetry

/// What takes bytes that others have written.
struct Reader: Sendable {
  let name: String
  /// What stands around the bytes.
  var envelope = Envelope.none
  /// The subfolder of the corpus; the name unless two readers share one.
  var corpus: String
  /// How the names of the corpus's files end that are for this reader.
  var ending: String
  /// Valid inputs to start from.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// Reads the bytes, in a folder where a reader wants a path; errors are well.
  let read: @Sendable ([UInt8], _ folder: String) throws -> Void

  init(
    _ name: String, _ envelope: Envelope = .none, corpus: String? = nil, ending: String = "",
    seeds: @escaping @Sendable () throws -> [[UInt8]],
    read: @escaping @Sendable ([UInt8], _ folder: String) throws -> Void
  ) {
    self.name = name
    self.envelope = envelope
    self.corpus = corpus ?? name
    self.ending = ending
    self.seeds = seeds
    self.read = read
  }

  static let all = formats + checkpoints + dataSets + logs + others + [arguments]

  // MARK: - Saved optimizers and states

  private static let formats: [Reader] = [
    Reader("safetensors", .header, seeds: Seeds.tensors) { bytes, _ in
      let file = try SafetensorsFile(bytes: bytes)
      for name in file.names { _ = try file[name]?.floats() }
      try file.requireFinite()
      guard try SafetensorsFile(bytes: file.serialized()) == file else {
        fatalError("a file that is read and written is another one")
      }
    },
    Reader("optimizer", .header, seeds: Seeds.optimizers) { bytes, _ in
      _ = try TrainedOptimizer(
        file: SafetensorsFile(bytes: bytes), catalog: Catalog.standard.optimizers)
    },
    Reader("state", .header, seeds: Seeds.tensors) { bytes, _ in
      try StateReading.read(bytes)
    },
    Reader("json", seeds: Seeds.texts) { bytes, _ in
      guard let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
      guard
        JSONValue(parsing: value.text) != nil || value.text.contains("nan")
          || value.text.contains("inf")
      else { fatalError("\(value.text) is written and not read") }
    },
  ]

  // MARK: - Data sets

  private static let dataSets: [Reader] = [
    Reader("idx", corpus: "idx", seeds: Seeds.images, read: images),
    Reader("idx-gzip", .stored, corpus: "idx", seeds: Seeds.images, read: images),
    Reader("labels", seeds: Seeds.images) { bytes, folder in
      try write(Seeds.idx([2, 1, 1], [7, 8]), "\(folder)/train-images-idx3-ubyte")
      try write(bytes, "\(folder)/train-labels-idx1-ubyte")
      let set = try MNIST.load(split: .train, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader("cifar", seeds: Seeds.records) { bytes, folder in
      try write(bytes, "\(folder)/test_batch.bin")
      let set = try CIFAR10.load(split: .test, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader("svhn", seeds: Seeds.matrices) { bytes, folder in
      try write(bytes, "\(folder)/test_32x32.mat")
      let set = try SVHN.load(split: .test, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader("table", seeds: Seeds.tables) { bytes, _ in
      let table = try NumberTable(bytes, source: "table")
      _ = table.standardized()
      _ = table.contentHash()
    },
    Reader("text", seeds: Seeds.prose) { bytes, _ in
      _ = try CharacterText(bytes, source: "text", split: .train).contentHash()
    },
  ]

  private static let images: @Sendable ([UInt8], String) throws -> Void = { bytes, folder in
    try write(bytes, "\(folder)/train-images-idx3-ubyte")
    try write([0, 0, 8, 1, 0, 0, 0, 2, 3, 4], "\(folder)/train-labels-idx1-ubyte")
    let set = try MNIST.load(split: .train, directory: folder)
    _ = set.gather([Int32(set.count - 1)])
  }

  // MARK: - Logs

  private static let logs: [Reader] = [
    Reader("metrics", seeds: Seeds.metrics) { bytes, folder in
      try write(bytes, "\(folder)/metrics.csv")
      _ = try MetricsFile(in: folder, epoch: 3, isUnevaluated: true, stepsPerEpoch: 1) { _ in }
    },
    Reader("events", seeds: Seeds.events) { bytes, folder in
      let path = "\(folder)/events.out.tfevents.1.host"
      try write(bytes, path)
      for epoch in [0, 3] { _ = EventReading.tellsEvaluation(after: epoch, in: [path]) }
    },
  ]

  // MARK: - Words of a command line, one a line

  private static let arguments = Reader("arguments", seeds: Seeds.arguments) { bytes, _ in
    let words = bytes.split(separator: 10, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    try Program.read(words)
  }

  /// Writes a file that need not outlive the machine.
  private static func write(_ bytes: [UInt8], _ path: String) throws {
    let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    guard descriptor >= 0, Platform.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw FileError.cannotWrite(path: path, call: "write", code: errno)
    }
  }
}
