import Datasets
import Testing

@Suite("ImageDataset")
struct ImageDatasetTests {
  /// A set whose images have `size` rows of one pixel of three channels.
  static func example(count: Int, size: Int) throws -> ImageDataset {
    try ImageDataset(
      name: "example", source: "test", height: size, width: 1, channels: 3, classCount: 10,
      pixels: pattern(count * size * 3), labels: (0..<count).map { UInt8($0 % 10) })
  }

  @Test("gathering equals copying pixel by pixel, for sizes around the vector width")
  func gatherEqualsNaive() throws {
    for size in Array(0...20).map({ $0 + 1 }) + [257] {
      let set = try Self.example(count: 7, size: size)
      let pixels = pattern(7 * size * 3)
      for indices: [Int32] in [[], [6], [0, 6, 3, 3, 1], [5, 4, 3, 2, 1, 0, 6, 6, 6]] {
        let (images, labels) = set.gather(indices)
        let naive = indices.flatMap { index in
          (0..<size * 3).map { Float(pixels[Int(index) * size * 3 + $0]) / 255 }
        }
        #expect(images.map(\.bitPattern) == naive.map(\.bitPattern), "size \(size)")
        #expect(labels == indices.map { $0 % 10 })
      }
    }
  }

  @Test("each of the 256 bytes becomes exactly byte / 255")
  func everyByte() throws {
    let set = try ImageDataset(
      name: "bytes", source: "test", height: 16, width: 16, channels: 1, classCount: 1,
      pixels: (0...255).map { UInt8($0) }, labels: [0])
    #expect(set.gather([0]).images == (0...255).map { Float($0) / 255 })
  }

  @Test("gathering into buffers writes just what is asked for")
  func gatherIntoBuffers() throws {
    let set = try Self.example(count: 4, size: 2)
    var images = [Float](repeating: -1, count: 14)
    var labels = [Int32](repeating: -1, count: 4)
    let indices: [Int32] = [3, 1]
    indices.withUnsafeBufferPointer { indices in
      images.withUnsafeMutableBufferPointer { images in
        labels.withUnsafeMutableBufferPointer { labels in
          set.gather(
            indices, images: UnsafeMutableBufferPointer(rebasing: images[1..<13]),
            labels: UnsafeMutableBufferPointer(rebasing: labels[1..<3]))
        }
      }
    }
    let expected = set.gather(indices)
    #expect(images == [-1] + expected.images + [-1])
    #expect(labels == [-1, 3, 1, -1])
  }

  @Test("a label outside of the classes, a missing pixel and an empty set are refused")
  func invalidContent() {
    #expect(
      throws: DatasetError.labelOutOfRange(path: "here", index: 1, label: 3, classCount: 3)
    ) {
      try ImageDataset(
        name: "", source: "here", height: 1, width: 1, channels: 1, classCount: 3,
        pixels: [1, 2, 3], labels: [2, 3, 4])
    }
    #expect(
      throws: DatasetError.countMismatch(
        imagesPath: "here", images: 1, labelsPath: "here", labels: 2)
    ) {
      try ImageDataset(
        name: "", source: "here", height: 1, width: 2, channels: 1, classCount: 3,
        pixels: [1, 2, 3], labels: [2, 1])
    }
    #expect(throws: DatasetError.empty(path: "here", dimensions: [0, 1, 2, 1])) {
      try ImageDataset(
        name: "", source: "here", height: 1, width: 2, channels: 1, classCount: 3,
        pixels: [], labels: [])
    }
  }

  @Test("the content hash sees every pixel, every label and the shape, and not the name")
  func contentHash() throws {
    func hash(
      _ pixels: [UInt8], _ labels: [UInt8], height: Int = 3, width: Int = 3, name: String = "a"
    ) throws -> UInt64 {
      try ImageDataset(
        name: name, source: name, height: height, width: width, channels: 1, classCount: 4,
        pixels: pixels, labels: labels
      ).contentHash()
    }
    let pixels = pattern(27)
    let labels: [UInt8] = [0, 1, 2]
    let reference = try hash(pixels, labels)
    #expect(try hash(pixels, labels, name: "b") == reference)
    var hashes: Set<UInt64> = [reference, try hash(pixels, labels, height: 1, width: 9)]
    for index in pixels.indices {
      var changed = pixels
      changed[index] ^= 1
      hashes.insert(try hash(changed, labels))
    }
    for index in labels.indices {
      var changed = labels
      changed[index] ^= 1
      hashes.insert(try hash(pixels, changed))
    }
    #expect(hashes.count == 2 + pixels.count + labels.count)
  }

  // The value is from another implementation of the hash, in Python.
  @Test("the content hash is the same on every machine")
  func contentHashValue() throws {
    #expect(try Self.example(count: 5, size: 3).contentHash() == 0x1a8c_65cf_f754_7efc)
  }
}
