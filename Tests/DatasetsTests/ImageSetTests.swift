import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Image sets by name")
struct ImageSetTests {
  @Test("what is not there is replaced when asked for, and the notice says by what")
  func standIns() throws {
    let empty = try TemporaryFolder()
    for set in ImageSet.allCases where set != .fashionMNIST {
      #expect(throws: DatasetError.self) { try set.load(split: .test, directory: empty.path) }
      let images = try set.load(split: .test, directory: empty.path, standIn: true)
      #expect(images.count == 1000 && images.classCount == 10)
      #expect(images.origin == (set == .mnist ? .embedded : .synthetic))
      #expect(images.notice != nil)
      #expect(throws: DatasetError.self) {
        try set.load(split: .test, directory: "/nonexistent/folder", standIn: true)
      }
    }
    let numbers = try ImageSet.svhn.load(split: .test, directory: empty.path, standIn: true)
    #expect(numbers.notice?.hasPrefix("using synthetic images in place of svhn") == true)
  }

  @Test("Fashion-MNIST is found in its subfolders, then where Debian puts it, else it is missing")
  func fashion() throws {
    func load(_ directory: String?, standard: String, system: String) throws -> ImageDataset {
      try FashionMNIST.load(
        split: .train, directory: directory, environmentDirectory: nil,
        standardDirectory: standard, systemDirectory: system)
    }
    let files = try smallFolder()
    let nested = try TemporaryFolder()
    for subfolder in ["fashion-mnist", "FashionMNIST/raw"] {
      let folder = nested.file("\(subfolder.count)")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(subfolder)", withIntermediateDirectories: true)
      for name in [trainImages, trainLabels] {
        try FileManager.default.copyItem(
          atPath: files.file(name), toPath: "\(folder)/\(subfolder)/\(name)")
      }
      for directory in [folder, nil] {
        let set = try load(directory, standard: folder, system: "/nonexistent")
        #expect(set.count == 3 && set.name == "fashion-mnist" && set.notice == nil)
      }
    }
    // A folder that was named may be the set's own; the standard one may not: it could be MNIST's.
    #expect(try load(files.path, standard: "/nonexistent", system: "/nonexistent").count == 3)
    #expect(throws: DatasetError.self) {
      try load(nil, standard: files.path, system: "/nonexistent")
    }
    #expect(try load(nil, standard: "/nonexistent", system: files.path).count == 3)
    let synthetic = try load("synthetic", standard: "/nonexistent", system: "/nonexistent")
    #expect(synthetic.height == 28 && synthetic.channels == 1 && synthetic.origin == .synthetic)
    #expect(synthetic.notice?.contains("in place of fashion-mnist") == true)
  }
}

@Suite("Synthetic numbers")
struct SyntheticNumbersTests {
  @Test("they have SVHN's shape, each digit equally often, and are the same on every machine")
  func contents() throws {
    for (split, count) in [(DatasetSplit.train, 5000), (.test, 1000)] {
      let set = try SVHN.load(split: split, directory: "synthetic")
      #expect(set.count == count && set.height == 32 && set.width == 32 && set.channels == 3)
      for label in 0..<10 { #expect(set.allLabels.count { $0 == label } == count / 10) }
      #expect(Set((0..<500).map { set.pixels(at: $0) }).count == 500)
    }
    #expect(
      try SVHN.load(split: .test, directory: "synthetic").contentHash() == 0xdced_e613_b1d0_3e31)
  }

  @Test("a digit can be told from its neighbours: its mean image differs by class")
  func classes() throws {
    // The nearest of the classes' mean grey images, with the sign of the contrast taken out by the
    // square of the distance from the image's own mean, guesses better than chance.
    let set = try SVHN.load(split: .train, directory: "synthetic")
      .resized(height: 16, width: 16, isGrey: true)
    func features(_ index: Int) -> [Double] {
      let pixels = set.gather([Int32(index)]).images.map(Double.init)
      let mean = pixels.reduce(0, +) / 256
      let squares = pixels.map { ($0 - mean) * ($0 - mean) }
      let total = squares.reduce(0, +)
      return squares.map { $0 / total }
    }
    let all = (0..<2000).map(features)
    let centers = (0..<10).map { label in
      (0..<256).map { pixel in
        stride(from: label, to: 1000, by: 10).reduce(0.0) { $0 + all[$1][pixel] } / 100
      }
    }
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let right = (1000..<2000).count { index in
      centers.indices.min { distance(all[index], centers[$0]) < distance(all[index], centers[$1]) }
        == index % 10
    }
    // Chance is 100, of standard deviation 9.5.
    #expect(right > 150)
  }
}
