import Catalogs
import Datasets
import Files
import Foundation
import LearnedOptimizers
import MetaTraining
import Safetensors
import Settings
import Telemetry

/// What takes bytes that others have written.
struct Reader: Sendable {
  let name: String
  /// Valid inputs to start from.
  let seeds: @Sendable () throws -> [[UInt8]]
  /// Reads the bytes, in a folder where a reader wants a path; errors are well.
  let read: @Sendable ([UInt8], _ folder: String) throws -> Void

  static let all: [Reader] = [
    Reader(name: "safetensors", seeds: tensors) { bytes, _ in
      let file = try SafetensorsFile(bytes: bytes)
      for name in file.names { _ = try file[name]?.floats() }
      try file.requireFinite()
      guard try SafetensorsFile(bytes: file.serialized()) == file else {
        fatalError("a file that is read and written is another one")
      }
    },
    Reader(name: "optimizer", seeds: optimizers) { bytes, _ in
      _ = try TrainedOptimizer(
        file: SafetensorsFile(bytes: bytes), catalog: Catalog.standard.optimizers)
    },
    Reader(name: "state", seeds: tensors) { bytes, _ in
      _ = try TrainingStateFile(SafetensorsFile(bytes: bytes))
    },
    Reader(name: "json", seeds: texts) { bytes, _ in
      guard let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
      guard
        JSONValue(parsing: value.text) != nil || value.text.contains("nan")
          || value.text.contains("inf")
      else { fatalError("\(value.text) is written and not read") }
    },
    Reader(name: "idx", seeds: images) { bytes, folder in
      try AtomicFile.write(bytes, to: "\(folder)/train-images-idx3-ubyte")
      try AtomicFile.write([0, 0, 8, 1, 0, 0, 0, 2, 3, 4], to: "\(folder)/train-labels-idx1-ubyte")
      let set = try MNIST.load(split: .train, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader(name: "labels", seeds: images) { bytes, folder in
      try AtomicFile.write(idx([2, 1, 1], [7, 8]), to: "\(folder)/train-images-idx3-ubyte")
      try AtomicFile.write(bytes, to: "\(folder)/train-labels-idx1-ubyte")
      let set = try MNIST.load(split: .train, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader(name: "cifar", seeds: records) { bytes, folder in
      try AtomicFile.write(bytes, to: "\(folder)/test_batch.bin")
      let set = try CIFAR10.load(split: .test, directory: folder)
      _ = set.gather([Int32(set.count - 1)])
    },
    Reader(name: "metrics", seeds: tables) { bytes, folder in
      try AtomicFile.write(bytes, to: "\(folder)/metrics.csv")
      _ = try MetricsFile(in: folder, epoch: 3, evaluationIsDue: true, stepsPerEpoch: 1) { _ in }
    },
  ]

  // MARK: - Seeds

  private static func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(dimensions.count)]
      + dimensions.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } }
      + elements
  }

  private static func images() -> [[UInt8]] {
    [
      idx([2, 2, 3], Array(0..<12)), idx([2], [1, 2]),
      // The labels, gzipped.
      [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x64,
        0x60, 0x60, 0x60, 0x62, 0x64, 0x02, 0x00, 0x74, 0xfc, 0x89, 0x62, 0x0a, 0x00, 0x00, 0x00,
      ],
    ]
  }

  private static func records() -> [[UInt8]] { [[UInt8](repeating: 1, count: 2 * 3073)] }

  private static func tables() -> [[UInt8]] {
    let rows = [
      "2,train,1,,,2,,0,1,3,,,", "3,evaluation,1,,,2,1,0,1,3,,,", "4,train,1,,,2,,0,1,3,,,",
    ]
    return ["\n", "\r\n"].map {
      Array(([MetricsFile.header] + rows + [""]).joined(separator: $0).utf8)
    }
  }

  private static func texts() -> [[UInt8]] {
    [
      "{\"layers\":[20,20],\"preprocess_name\":\"LogAndSign\",\"preprocess_options\":{\"k\":5},\"scale\":0.01}",
      "[1,-2.5e3,true,false,null,\"a\\u00e9\\n\",{\"b\":[]}]", "0.30000001192092896",
    ].map { Array($0.utf8) }
  }

  private static func tensors() throws -> [[UInt8]] {
    var file = SafetensorsFile(metadata: ["a": "b", "options": "{\"x\":1}"])
    file.append(SafetensorsArray(floats: [1, 2, 3, 4], shape: [2, 2]), named: "w")
    file.append(SafetensorsArray(doubles: [1], shape: []), named: "é")
    file.append(SafetensorsArray(type: .bool, shape: [3], bytes: [0, 1, 1]), named: "flags")
    return [try file.serialized(), try SafetensorsFile().serialized()]
  }

  private static func optimizers() throws -> [[UInt8]] {
    var file = SafetensorsFile(metadata: ["net": "Sgd", "net_options": "{\"learning_rate\":0.1}"])
    let plain = try file.serialized()
    file.metadata = [
      "net": "CoordinateWiseDeepLSTM",
      "net_options": "{\"layers\":[1],\"preprocess_name\":\"identity\",\"scale\":0.1}",
    ]
    for (name, shape) in [
      ("lstm_1/w_gates", [2, 4]), ("lstm_1/b_gates", [4]), ("linear/w", [1, 1]), ("linear/b", [1]),
    ] {
      let count = shape.reduce(1, *)
      file.append(
        SafetensorsArray(floats: [Float](repeating: 0.1, count: count), shape: shape), named: name)
    }
    return [plain, try file.serialized()]
  }
}
