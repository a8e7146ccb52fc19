import CMNISTSubset
import Datasets
import Foundation
import TestSupport
import Testing

@Suite("MNIST")
struct MNISTTests {
  /// Loads with a standard folder that does not exist unless given.
  private func load(
    _ split: DatasetSplit = .train, directory: String? = nil, environment: String? = nil,
    standard: String = "/nonexistent/data"
  ) throws -> ImageDataset {
    try MNIST.load(
      split: split, directory: directory, environmentDirectory: environment,
      standardDirectory: standard)
  }

  /// Writes the small training set into a new subfolder, with other names if given.
  private func fill(
    _ folder: TemporaryFolder, _ subfolder: String, images: String = trainImages,
    labels: String = trainLabels
  ) throws {
    try FileManager.default.createDirectory(
      atPath: folder.file(subfolder), withIntermediateDirectories: true)
    _ = try folder.write(idx([3, 2, 5]), named: "\(subfolder)/\(images)")
    _ = try folder.write(idx([3], [7, 0, 9]), named: "\(subfolder)/\(labels)")
  }

  @Test("the embedded subset has 4,000 and 1,000 real digits, each equally often")
  func embedded() throws {
    for (split, count) in [(DatasetSplit.train, 4000), (.test, 1000)] {
      let set = try load(split)
      #expect(set.origin == .embedded)
      #expect(set.count == count && set.height == 28 && set.width == 28 && set.channels == 1)
      let labels = set.allLabels
      for digit: UInt8 in 0..<10 {
        #expect(labels.count { $0 == digit } == count / 10)
      }
      // All of MNIST has a mean pixel of 0.1307.
      let images = set.gather((0..<Int32(count)).map { $0 }).images
      let mean = images.reduce(0) { $0 + Double($1) } / Double(images.count)
      #expect(abs(mean - 0.1307) < 0.005)
    }
    #expect(try load(.train).contentHash() != load(.test).contentHash())
  }

  @Test("the embedded bytes have the checksums of their provenance note")
  func checksums() throws {
    let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/CMNISTSubset/data").standardizedFileURL.path
    let note = try String(contentsOfFile: "\(data)/PROVENANCE.md", encoding: .utf8)
    let sums = note.split(separator: "\n").filter { $0.hasSuffix(".gz") }.sorted()
    #expect(sums.count == 4)
    let folder = try TemporaryFolder()
    let files: [(String, cmnist_file)] = [
      (trainImages, cmnist_train_images()), (trainLabels, cmnist_train_labels()),
      (testImages, cmnist_test_images()), (testLabels, cmnist_test_labels()),
    ]
    for (name, file) in files {
      let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
      _ = try folder.write(bytes, named: name + ".gz")
    }
    _ = try folder.write(Array((sums.joined(separator: "\n") + "\n").utf8), named: "sums")
    let check = try ToolRun(
      "sha256sum", ["--check", "--strict", "--status", "sums"], folder: folder.path)
    #expect(check.code == 0)
  }

  @Test("the argument comes before the variable, the variable before the standard folder")
  func precedence() throws {
    let folder = try TemporaryFolder()
    for name in ["argument", "variable", "standard"] { try fill(folder, name) }
    let (argument, variable, standard) = (
      folder.file("argument"), folder.file("variable"), folder.file("standard")
    )
    let first = try load(directory: argument, environment: variable, standard: standard)
    #expect(first.source == "\(argument) (train)")
    let second = try load(environment: variable, standard: standard)
    #expect(second.source == "\(variable) (train)")
    let third = try load(environment: "", standard: standard)
    #expect(third.source == "\(standard) (train)")
    #expect(try load().origin == .embedded)
  }

  @Test("files are found in the usual subfolders", arguments: ["mnist", "MNIST/raw"])
  func subfolders(name: String) throws {
    let folder = try TemporaryFolder()
    try fill(folder, name)
    #expect(try load(directory: folder.path).source == "\(folder.file(name)) (train)")
    #expect(try load(standard: folder.path).source == "\(folder.file(name)) (train)")
  }

  @Test("Fashion-MNIST in a subfolder is found only when the user named the folder")
  func fashionSubfolder() throws {
    let folder = try TemporaryFolder()
    try fill(folder, "fashion-mnist")
    #expect(try load(directory: folder.path).count == 3)
    #expect(try load(environment: folder.path).count == 3)
    #expect(try load(standard: folder.path).origin == .embedded)
  }

  @Test("names with a dot are accepted")
  func dottedNames() throws {
    let folder = try TemporaryFolder()
    try fill(folder, ".", images: "train-images.idx3-ubyte", labels: "train-labels.idx1-ubyte.gz")
    #expect(try load(directory: folder.path).count == 3)
  }

  @Test("a named folder without the files is an error that lists their names")
  func missingFiles() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: DatasetError.self) { try load(directory: folder.path) }
    #expect(
      error?.description == "the folder '\(folder.path)', given as data_dir, has no file"
        + " train-images-idx3-ubyte[.gz] or train-labels-idx1-ubyte[.gz] or"
        + " t10k-images-idx3-ubyte[.gz] or t10k-labels-idx1-ubyte[.gz];"
        + " name the folder that holds the data")
    #expect(try load(standard: folder.path).origin == .embedded)
  }

  @Test("a folder that does not exist is an error that says who named it")
  func missingFolder() {
    #expect(throws: DatasetError.folderMissing(path: "/nonexistent", origin: .argument)) {
      try load(directory: "/nonexistent")
    }
    #expect(throws: DatasetError.folderMissing(path: "/nonexistent", origin: .environment)) {
      try load(environment: "/nonexistent")
    }
  }

  @Test("a set of which a part is missing is an error, not a mixture with the embedded one")
  func missingSplit() throws {
    let folder = try smallFolder()
    let expected = DatasetError.filesMissing(
      folder: folder.path, origin: .standard,
      lookedFor: [
        testImages, "t10k-images.idx3-ubyte", testImages + ".gz", "t10k-images.idx3-ubyte.gz",
      ])
    #expect(throws: expected) { try load(.test, standard: folder.path) }
  }

  static let fashion = "/usr/share/datasets/fashion-mnist"

  @Test(
    "Debian's Fashion-MNIST works as it is",
    .enabled(
      if: FileManager.default.fileExists(atPath: fashion),
      "the package dataset-fashion-mnist is not installed"))
  func fashionMNIST() throws {
    let train = try load(.train, directory: Self.fashion)
    #expect(train.count == 60_000 && train.height == 28 && train.width == 28)
    let labels = train.allLabels
    for label: UInt8 in 0..<10 { #expect(labels.count { $0 == label } == 6000) }
    let test = try load(.test, directory: Self.fashion)
    #expect(test.count == 10_000)
    let (images, classes) = test.gather([9999, 0])
    #expect(classes[1] == 9 && images.count == 2 * 784)
    let pixels = test.pixels(at: 9999).map { Float($0) / 255 }
    #expect(Array(images[..<784]) == pixels)
  }
}
