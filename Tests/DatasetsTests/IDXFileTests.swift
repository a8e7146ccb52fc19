import Datasets
import Foundation
import TestSupport
import Testing

@Suite("IDX files")
struct IDXFileTests {
  private func load(_ folder: TemporaryFolder) throws -> ImageDataset {
    try MNIST.load(split: .train, directory: folder.path)
  }

  /// The error of loading a folder whose image file has these bytes, plain.
  private func error(images: [UInt8]) throws -> (found: DatasetError?, path: String) {
    let folder = try smallFolder(images: images)
    let error = #expect(throws: DatasetError.self) { try load(folder) }
    return (error, folder.file(trainImages))
  }

  @Test("a plain and a gzipped file give the same set, whatever their names say")
  func plainAndGzipped() throws {
    let plain = try load(smallFolder())
    #expect(plain.count == 3 && plain.height == 2 && plain.width == 5 && plain.channels == 1)
    #expect(plain.allPixels == pattern(30))
    #expect(plain.allLabels == [7, 0, 9])
    #expect(plain.label(at: 2) == 9 && plain.origin == .given)
    let zipped = try load(
      smallFolder(images: gzip(idx([3, 2, 5])), labels: gzip(idx([3], [7, 0, 9]))))
    #expect(zipped.allPixels == pattern(30))
    #expect(zipped.contentHash() == plain.contentHash())
    let folder = try TemporaryFolder()
    _ = try folder.write(idx([3, 2, 5]), named: trainImages + ".gz")
    _ = try folder.write(idx([3], [7, 0, 9]), named: trainLabels + ".gz")
    #expect(try load(folder).contentHash() == plain.contentHash())
  }

  @Test("gzip streams that are joined make one file")
  func joinedStreams() throws {
    let bytes = idx([3, 2, 5])
    let images = try gzip(Array(bytes[..<9])) + gzip(Array(bytes[9...]))
    #expect(try load(smallFolder(images: images)).allPixels == pattern(30))
  }

  @Test("wrong first bytes are an error with both values")
  func wrongMagic() throws {
    for magic: UInt32 in [0x0000_0d03, 0x504b_0304, 0x0000_0800, 0x0100_0803] {
      let (error, path) = try error(images: idx([3, 2, 5], magic: magic))
      #expect(error == .wrongMagic(path: path, expected: 0x0803, found: magic))
    }
  }

  @Test("labels in place of images are an error with both numbers of dimensions")
  func mixedUpFiles() throws {
    let (error, path) = try error(images: idx([3], [7, 0, 9]))
    #expect(error == .wrongDimensionCount(path: path, expected: 3, found: 1))
  }

  @Test("a file cut at any byte is an error, plain and gzipped")
  func truncated() throws {
    let bytes = idx([3, 2, 5])
    for count in 0..<bytes.count {
      let cut = Array(bytes[..<count])
      let expected = count < 16 ? 16 : bytes.count
      let (plain, path) = try error(images: cut)
      #expect(plain == .truncated(path: path, expected: expected, found: count))
      let (zipped, zippedPath) = try error(images: gzip(cut))
      #expect(zipped == .truncated(path: zippedPath, expected: expected, found: count))
    }
  }

  @Test("bytes behind the content are an error with both lengths")
  func trailingBytes() throws {
    let bytes = idx([3, 2, 5]) + [1, 2, 3]
    let (plain, path) = try error(images: bytes)
    #expect(plain == .trailingBytes(path: path, expected: 46, found: 49))
    let (zipped, zippedPath) = try error(images: gzip(bytes))
    #expect(zipped == .trailingBytes(path: zippedPath, expected: 46, found: 49))
  }

  @Test("another number of labels than of images is an error with both")
  func countMismatch() throws {
    let folder = try smallFolder(labels: idx([2], [1, 2]))
    let expected = DatasetError.countMismatch(
      imagesPath: folder.file(trainImages), images: 3,
      labelsPath: folder.file(trainLabels), labels: 2)
    #expect(throws: expected) { try load(folder) }
  }

  @Test("a label over 9 is an error with its index")
  func labelOutOfRange() throws {
    let folder = try smallFolder(labels: idx([3], [9, 0, 10]))
    let expected = DatasetError.labelOutOfRange(
      path: folder.file(trainLabels), index: 2, label: 10, classCount: 10)
    #expect(throws: expected) { try load(folder) }
  }

  @Test("a dimension of zero is an empty set", arguments: [[0, 28, 28], [3, 0, 5], [3, 2, 0]])
  func empty(dimensions: [Int]) throws {
    let (error, path) = try error(images: idx(dimensions))
    #expect(error == .empty(path: path, dimensions: dimensions))
  }

  @Test("dimensions that promise the impossible take no memory")
  func hugeDimensions() throws {
    let most = Int(UInt32.max)
    let cases: [([Int], SizeLimit)] = [
      ([most, most, most], .images), ([1 << 31, 1, 1], .images), ([1, most, most], .pixels),
      ([1, 65535, 65535], .pixels), ([1, 1025, 1024], .pixels),
    ]
    for (dimensions, limit) in cases {
      for bytes in [idx(dimensions, [1, 2]), try gzip(idx(dimensions, [1, 2]))] {
        let (error, path) = try error(images: bytes)
        #expect(error == .tooLarge(path: path, dimensions: dimensions, limit: limit))
      }
    }
    let largest = [(1 << 31) - 1, 1024, 1024]
    let (plain, path) = try error(images: idx(largest, [1, 2]))
    #expect(plain == .truncated(path: path, expected: 16 + largest.reduce(1, *), found: 18))
    let (zipped, zippedPath) = try error(images: gzip(idx(largest, [1, 2])))
    #expect(
      zipped == .tooLarge(path: zippedPath, dimensions: largest, limit: .decompressedBytes))
    let (small, smallPath) = try error(images: gzip(idx([1000, 28, 28], [1, 2])))
    #expect(small == .truncated(path: smallPath, expected: 784_016, found: 18))
  }

  #if compiler(>=6.3)
    @Test("a gzip bomb of a kilobyte or of megabytes does not get more than 64 MB")
    func bombs() async throws {
      // A promise of the most pixels, which are there; and of few, with far more behind them.
      let megabytes = [UInt8](repeating: 0, count: 64 << 20)
      let bombs = [
        try gzip(idx([1000, 1024, 1024], megabytes)), try gzip(idx([3, 2, 5]) + megabytes),
        try gzip(idx([1, 65535, 65535], megabytes)), try gzip(idx([60_000, 28, 28], [])),
      ]
      for bomb in bombs {
        let folder = try smallFolder(images: bomb)
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
          let before = peakMemory()
          #expect(throws: DatasetError.self) { try MNIST.load(split: .train, directory: path) }
          #expect(peakMemory() - before < 64 << 20)
        }
      }
    }
  #endif

  @Test("zeros behind a gzip stream are padding, anything else is not")
  func padding() throws {
    let bytes = try gzip(idx([3, 2, 5]))
    for count in [1, 511, 100_000] {
      let padded = bytes + [UInt8](repeating: 0, count: count)
      #expect(try load(smallFolder(images: padded)).allPixels == pattern(30))
      _ = try error(images: padded + [1])
    }
  }

  @Test("a gzip file that is cut or changed is an error, never a wrong set")
  func corruptGzip() throws {
    let bytes = try gzip(idx([3, 2, 5]))
    for count in 2..<bytes.count {
      let (error, path) = try error(images: Array(bytes[..<count]))
      #expect(
        error == .corruptGzip(path: path, offset: count, detail: "it ends too early"),
        "\(count) bytes")
    }
    for index in 10..<bytes.count {  // The checksum does not cover the first ten bytes.
      var changed = bytes
      changed[index] ^= 0x10
      _ = try error(images: changed)
    }
    let (error, path) = try error(images: bytes + [1])
    #expect(
      error == .corruptGzip(path: path, offset: bytes.count, detail: "other bytes follow its end"))
  }

  @Test("every error is one line that names the file")
  func descriptions() throws {
    let (error, path) = try error(images: Array(idx([3, 2, 5]).dropLast()))
    #expect(
      error?.description
        == "'\(path)' is cut short: 45 of 46 bytes are there; get the file again")
    let (magic, magicPath) = try self.error(images: idx([3, 2, 5], magic: 0x504b_0304))
    #expect(
      magic?.description == "'\(magicPath)' is not an IDX file of unsigned bytes: its first four"
        + " bytes are 0x504b0304, not 0x00000803; get the file again")
  }
}
