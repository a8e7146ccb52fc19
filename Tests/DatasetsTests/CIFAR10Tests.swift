import Datasets
import Foundation
import TestSupport
import Testing

@Suite("CIFAR-10")
struct CIFAR10Tests {
  static let trainNames = (1...5).map { "data_batch_\($0).bin" }
  static let area = 32 * 32

  /// A record whose values follow from its number.
  static func record(_ number: Int) -> [UInt8] {
    [UInt8(number % 10)]
      + (0..<3 * area).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number &* 31 &+ $0 >> 5) }
  }

  /// A folder with `perFile` records in each training file, one in the test file, in a subfolder on
  /// request.
  static func folder(perFile: Int = 2, in subfolder: String? = nil) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let prefix = subfolder.map { $0 + "/" } ?? ""
    if let subfolder {
      try FileManager.default.createDirectory(
        atPath: folder.file(subfolder), withIntermediateDirectories: true)
    }
    for (file, name) in trainNames.enumerated() {
      let bytes = (0..<perFile).flatMap { record(file * perFile + $0) }
      _ = try folder.write(bytes, named: prefix + name)
    }
    _ = try folder.write(record(99), named: prefix + "test_batch.bin")
    return folder
  }

  /// Loads with a standard folder that does not exist unless given.
  private func load(
    _ split: DatasetSplit = .train, directory: String? = nil, environment: String? = nil,
    standard: String = "/nonexistent/data"
  ) throws -> ImageDataset {
    try CIFAR10.load(
      split: split, directory: directory, environmentDirectory: environment,
      standardDirectory: standard)
  }

  @Test("records of all five files become images whose channels lie together")
  func contents() throws {
    let folder = try Self.folder(perFile: 3)
    let set = try load(directory: folder.path)
    #expect(set.count == 15 && set.height == 32 && set.width == 32 && set.channels == 3)
    #expect(set.classCount == 10 && set.name == "cifar10" && set.notice == nil)
    #expect(set.allLabels == (0..<15).map { UInt8($0 % 10) })
    for index in 0..<15 {
      let record = Self.record(index)
      let naive = (0..<Self.area).flatMap { pixel in
        (0..<3).map { record[1 + $0 * Self.area + pixel] }
      }
      #expect(set.pixels(at: index) == naive)
    }
    let test = try load(.test, directory: folder.path)
    #expect(test.count == 1 && test.label(at: 0) == 9)
    #expect(test.contentHash() != set.contentHash())
  }

  @Test("gathering equals copying pixel by pixel, across files")
  func gather() throws {
    let folder = try Self.folder(perFile: 3)
    let set = try load(directory: folder.path)
    let indices: [Int32] = [14, 0, 2, 3, 3, 8, 9]
    let (images, labels) = set.gather(indices)
    let naive = indices.flatMap { set.pixels(at: Int($0)).map { Float($0) / 255 } }
    #expect(images.map(\.bitPattern) == naive.map(\.bitPattern))
    #expect(labels == indices.map { $0 % 10 })
    #expect(set.gather([]).images.isEmpty)
  }

  @Test("the content hash sees every part of pixels and labels")
  func contentHash() throws {
    let folder = try Self.folder()
    let hash = try load(directory: folder.path).contentHash()
    let same = try Self.folder()
    #expect(try load(directory: same.path).contentHash() == hash)
    for offset in [0, 1, 3072, 3073] {
      var bytes = Self.record(4) + Self.record(5)
      bytes[offset] ^= 1
      _ = try folder.write(bytes, named: Self.trainNames[2])
      #expect(try load(directory: folder.path).contentHash() != hash, "byte \(offset)")
    }
  }

  @Test("the files lie in the folder or its subfolder; argument, variable, ./data in this order")
  func places() throws {
    let inside = try Self.folder(in: "cifar-10-batches-bin")
    let path = inside.file("cifar-10-batches-bin")
    let other = try Self.folder(perFile: 1)
    for set in [
      try load(directory: inside.path), try load(directory: path),
      try load(directory: inside.path, environment: other.path, standard: other.path),
      try load(environment: inside.path, standard: other.path),
      try load(environment: "", standard: inside.path),
    ] {
      #expect(set.source == "\(path) (train)")
    }
  }

  @Test("without files the error names the places, the script and the synthetic images")
  func missing() throws {
    let empty = try TemporaryFolder()
    let remedy =
      "; fetch it with Scripts/fetch-data cifar10, or use synthetic images with --data_dir synthetic"
    let none = #expect(throws: DatasetError.self) { try load() }
    #expect(
      none?.description == "CIFAR-10 is not there: there is no folder '/nonexistent/data', used"
        + " because neither data_dir nor L2L_DATA_DIR is given" + remedy)
    let named = #expect(throws: DatasetError.self) { try load(directory: empty.path) }
    #expect(
      named?.description == "CIFAR-10 is not there: the folder '\(empty.path)', given as data_dir,"
        + " has no subfolder cifar-10-batches-bin or file data_batch_1.bin" + remedy)
    #expect(
      throws: DatasetError.cifar10Missing(
        folder: "/nonexistent", origin: .environment, lookedFor: [])
    ) { try load(environment: "/nonexistent") }
  }

  @Test("a missing file is named", arguments: trainNames + ["test_batch.bin"])
  func missingFile(name: String) throws {
    let folder = try Self.folder()
    try FileManager.default.removeItem(atPath: folder.file(name))
    #expect(
      throws: DatasetError.cifar10Missing(
        folder: folder.path, origin: .argument, lookedFor: ["file \(name)"])
    ) { try load(name == "test_batch.bin" ? .test : .train, directory: folder.path) }
  }

  @Test("a file that is no whole number of records is an error with its size")
  func wrongSize() throws {
    for count in [0, 1, 3072, 3074, 6145] {
      let folder = try Self.folder()
      let path = try folder.write([UInt8](repeating: 1, count: count), named: Self.trainNames[3])
      #expect(throws: DatasetError.wrongSize(path: path, found: count, record: 3073)) {
        try load(directory: folder.path)
      }
    }
  }

  @Test("a file with fewer records than the others is an error that names it")
  func unequalFiles() throws {
    let folder = try Self.folder(perFile: 2)
    let path = try folder.write(Self.record(0), named: Self.trainNames[1])
    #expect(
      throws: DatasetError.recordCountMismatch(
        path: path, records: 1, otherPath: folder.file(Self.trainNames[0]), otherRecords: 2)
    ) { try load(directory: folder.path) }
  }

  @Test("a label over 9 is an error with file and index")
  func labelOutOfRange() throws {
    let folder = try Self.folder()
    let path = try folder.write(
      Self.record(0) + [10] + Self.record(1).dropFirst(), named: Self.trainNames[4])
    #expect(
      throws: DatasetError.labelOutOfRange(path: path, index: 1, label: 10, classCount: 10)
    ) { try load(directory: folder.path) }
  }
}
