import Datasets
import Testing

@Suite("Synthetic images")
struct SyntheticImagesTests {
  private func cifar(_ split: DatasetSplit) throws -> ImageDataset {
    try CIFAR10.load(split: split, directory: SyntheticImages.directory)
  }

  @Test("they have the size of the set that they stand for, and each class equally often")
  func sizes() throws {
    for (split, count) in [(DatasetSplit.train, 5000), (.test, 1000)] {
      for set in [try cifar(split), try MNIST.load(split: split, directory: "synthetic")] {
        #expect(set.count == count && set.origin == .synthetic)
        #expect(set.notice?.contains("synthetic images") == true)
        for label in 0..<10 { #expect(set.allLabels.count { $0 == label } == count / 10) }
      }
    }
    let (color, grey) = (try cifar(.test), try MNIST.load(split: .test, directory: "synthetic"))
    #expect(color.height == 32 && color.width == 32 && color.channels == 3)
    #expect(grey.height == 28 && grey.width == 28 && grey.channels == 1)
  }

  @Test("the variable names them too, and a folder of that name is ./synthetic")
  func places() throws {
    let set = try CIFAR10.load(
      split: .test, directory: nil, environmentDirectory: "synthetic", standardDirectory: "data")
    #expect(set.origin == .synthetic)
    #expect(throws: DatasetError.self) {
      try CIFAR10.load(split: .test, directory: "./synthetic")
    }
    #expect(throws: DatasetError.self) {
      try CIFAR10.load(
        split: .test, directory: nil, environmentDirectory: nil, standardDirectory: "synthetic")
    }
  }

  @Test("they are the same on every machine, and train and test are different draws")
  func determinism() throws {
    let hashes = try [DatasetSplit.train, .test].map { try cifar($0).contentHash() }
    #expect(hashes == [0xbc9d_6c75_cec5_b206, 0x1309_d8fe_5bc3_194b])
    let train = try cifar(.train)
    let known = Set((0..<train.count).map { train.pixels(at: $0) })
    #expect(known.count == train.count, "no image twice")
    let test = try cifar(.test)
    #expect((0..<test.count).allSatisfy { !known.contains(test.pixels(at: $0)) })
  }

  @Test("neither mean brightness nor mean colour tells the classes apart")
  func brightness() throws {
    let set = try cifar(.train)
    // The nearest of the ten classes' mean colours is guessed from one half for the other.
    func mean(_ index: Int) -> [Double] {
      let pixels = set.pixels(at: index)
      return (0..<3).map { channel in
        stride(from: channel, to: pixels.count, by: 3).reduce(0.0) { $0 + Double(pixels[$1]) }
          / 1024
      }
    }
    let colors = (0..<2000).map(mean)
    let centers = (0..<10).map { label in
      (0..<3).map { channel in
        stride(from: label, to: 1000, by: 10).reduce(0.0) { $0 + colors[$1][channel] } / 100
      }
    }
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let right = (1000..<2000).count { index in
      let nearest = centers.indices.min {
        distance(colors[index], centers[$0]) < distance(colors[index], centers[$1])
      }
      return nearest == index % 10
    }
    // Chance is 100; a small figure on a bright ground is no full-screen texture.
    #expect(right < 250)
  }
}
