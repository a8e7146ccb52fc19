import Datasets
import Foundation
import TestSupport
import Testing

@Suite("SVHN")
struct SVHNTests {
  private static func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return Array(try Data(contentsOf: folder.appendingPathComponent("Fixtures/\(name)")))
  }

  /// Loads the bytes as the training file, with no other place to look in.
  private func load(_ bytes: [UInt8], subfolder: String = "") throws -> ImageDataset {
    let folder = try TemporaryFolder()
    if !subfolder.isEmpty {
      try FileManager.default.createDirectory(
        atPath: folder.file(subfolder), withIntermediateDirectories: true)
    }
    _ = try folder.write(bytes, named: "\(subfolder)train_32x32.mat")
    return try SVHN.load(split: .train, directory: folder.path)
  }

  @Test(
    "files as SciPy writes them become images in row, column, channel order with labels 0 to 9",
    arguments: ["svhn_plain.mat", "svhn_compressed.mat"])
  func contents(name: String) throws {
    for subfolder in ["", "svhn/"] {
      let set = try load(Self.fixture(name), subfolder: subfolder)
      #expect(set.count == 3 && set.height == 32 && set.width == 32 && set.channels == 3)
      #expect(set.allLabels == [0, 1, 9])
      #expect(set.notice == nil)
      for index in 0..<3 {
        let naive = (0..<32 * 32 * 3).map { value in
          let (row, column, channel) = (value / 96, value / 3 % 32, value % 3)
          return UInt8((7 * row + 3 * column + 50 * channel + 11 * index) % 256)
        }
        #expect(set.pixels(at: index) == naive)
      }
    }
  }

  @Test(
    "a file cut short anywhere is an error, never a crash",
    arguments: ["svhn_plain.mat", "svhn_compressed.mat"])
  func truncation(name: String) throws {
    let bytes = try Self.fixture(name)
    let ends = Array(0..<400) + stride(from: 400, to: bytes.count - 1, by: 97)
    for end in ends where end < bytes.count {
      #expect(throws: DatasetError.self, "\(end) bytes") { try load(Array(bytes[..<end])) }
    }
  }

  @Test("bytes changed at random give an error or a set, never a crash")
  func corruption() throws {
    var bytes = try Self.fixture("svhn_plain.mat")
    // Header, tags and dimensions, one by one.
    for place in 124..<360 {
      let old = bytes[place]
      for value: UInt8 in [0, 1, 14, 15, 127, 128, 255] {
        bytes[place] = value
        if let set = try? load(bytes) { #expect(set.pixels(at: 0).count == 3072) }
      }
      bytes[place] = old
    }
    #expect(try load(bytes).count == 3)
  }

  @Test("a label beyond 10, and a set that is not there, are named")
  func errors() throws {
    var bytes = try Self.fixture("svhn_plain.mat")
    // The labels are in the last tag: 10, 1, 9.
    let place = try #require(bytes.indices.last { bytes[$0] == 9 && bytes[$0 - 1] == 1 })
    bytes[place] = 77
    let error = #expect(throws: DatasetError.self) { try load(bytes) }
    guard case .labelOutOfRange(_, index: 2, label: 77, classCount: 10) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let empty = try TemporaryFolder()
    let missing = #expect(throws: DatasetError.self) {
      try SVHN.load(split: .test, directory: empty.path)
    }
    #expect(
      missing
        == .setMissing(
          set: "svhn", folder: empty.path, origin: .argument,
          lookedFor: ["file svhn/test_32x32.mat"]))
    #expect(missing?.description.contains("Scripts/fetch-data svhn") == true)
  }
}
