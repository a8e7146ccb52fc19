import CZlib
import Datasets
import Foundation
import TestSupport
import Testing

/// The bytes of an IDX file.
func idx(_ dimensions: [Int], _ elements: [UInt8]? = nil, magic: UInt32? = nil) -> [UInt8] {
  let magic = magic ?? 0x0800 + UInt32(dimensions.count)
  let header = ([magic] + dimensions.map { UInt32($0) }).flatMap { number in
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }
  return header + (elements ?? pattern(dimensions.reduce(1, *)))
}

/// Bytes that change from each to the next.
func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 8) }
}

/// The bytes as a gzip stream.
func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let file = try #require(gzopen(folder.file("gz"), "wb"))
  let written = gzwrite(file, bytes, UInt32(bytes.count))
  try #require(gzclose(file) == Z_OK && Int(written) == bytes.count)
  return try contents(folder.file("gz"))
}

/// The names of the files of a split, in their usual spelling.
let trainImages = "train-images-idx3-ubyte"
let trainLabels = "train-labels-idx1-ubyte"
let testImages = "t10k-images-idx3-ubyte"
let testLabels = "t10k-labels-idx1-ubyte"

/// A folder with a small training set: three images of 2 x 5 pixels with labels 7, 0, 9.
func smallFolder(
  images: [UInt8] = idx([3, 2, 5]), labels: [UInt8] = idx([3], [7, 0, 9])
) throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  _ = try folder.write(images, named: trainImages)
  _ = try folder.write(labels, named: trainLabels)
  return folder
}

extension ImageDataset {
  /// The bytes of all images.
  var allPixels: [UInt8] { (0..<count).flatMap { pixels(at: $0) } }

  /// All labels.
  var allLabels: [UInt8] { (0..<count).map { UInt8(label(at: $0)) } }
}
