import CKernels

/// A set of labelled images, kept as bytes.
///
/// The pixels of one image lie in the order row, column, channel. Copies of the value share the
/// bytes. No float copy of the set is ever made: `gather` turns the images of one minibatch into
/// floats.
public struct ImageDataset: Sendable {
  /// What the set is called, as `mnist`.
  public let name: String

  /// Where the set came from, for people: a folder or a description.
  public let source: String

  /// Whether this is the small subset inside the program, of which the user should be told.
  public let isEmbedded: Bool

  /// The number of images, at least 1.
  public let count: Int

  /// The rows of an image.
  public let height: Int

  /// The columns of an image.
  public let width: Int

  /// The channels of a pixel: 1 is grey, 3 is red, green and blue.
  public let channels: Int

  /// The number of classes; every label is below it.
  public let classCount: Int

  private let pixelStorage: ByteStorage
  private let pixelRange: Range<Int>
  private let labelStorage: ByteStorage
  private let labelRange: Range<Int>

  /// The number of values of one image: height x width x channels.
  public var pixelsPerImage: Int { height * width * channels }

  /// Makes a set from pixels and labels in memory.
  ///
  /// - Parameters:
  ///   - pixels: [images, height, width, channels], of which there is one image a label.
  ///   - labels: [images], each below `classCount`.
  /// - Throws: `DatasetError.countMismatch`, `empty` or `labelOutOfRange`, with `source` as path.
  public init(
    name: String, source: String, height: Int, width: Int, channels: Int, classCount: Int,
    pixels: [UInt8], labels: [UInt8]
  ) throws(DatasetError) {
    let size = height * width * channels
    guard size > 0, !labels.isEmpty else {
      throw .empty(path: source, dimensions: [labels.count, height, width, channels])
    }
    guard pixels.count == labels.count * size else {
      throw .countMismatch(
        imagesPath: source, images: pixels.count / size, labelsPath: source, labels: labels.count)
    }
    try self.init(
      name: name, source: source, isEmbedded: false,
      shape: (height: height, width: width, channels: channels), classCount: classCount,
      pixels: (ByteStorage(copying: pixels), 0..<pixels.count),
      labels: (ByteStorage(copying: labels), 0..<labels.count), labelsPath: source)
  }

  /// Makes a set from stored bytes whose counts fit together, and checks the labels.
  init(
    name: String, source: String, isEmbedded: Bool,
    shape: (height: Int, width: Int, channels: Int), classCount: Int,
    pixels: (storage: ByteStorage, range: Range<Int>),
    labels: (storage: ByteStorage, range: Range<Int>), labelsPath: String
  ) throws(DatasetError) {
    self.name = name
    self.source = source
    self.isEmbedded = isEmbedded
    height = shape.height
    width = shape.width
    channels = shape.channels
    self.classCount = classCount
    count = labels.range.count
    pixelStorage = pixels.storage
    pixelRange = pixels.range
    labelStorage = labels.storage
    labelRange = labels.range
    let found = withLabels { $0.firstIndex { $0 >= classCount } }
    if let index = found {
      throw .labelOutOfRange(
        path: labelsPath, index: index, label: label(at: index), classCount: classCount)
    }
  }
}

// MARK: - Bytes

extension ImageDataset {
  /// The class of an image.
  ///
  /// - Precondition: the index is inside the set.
  public func label(at index: Int) -> Int {
    precondition(index >= 0 && index < count, "image \(index) of a set of \(count)")
    return Int(labelStorage.bytes[labelRange.lowerBound + index])
  }

  /// Calls `body` with all labels, [images]; the pointer is valid only during the call.
  public func withLabels<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    Self.withBytes(labelStorage, labelRange, body)
  }

  /// Calls `body` with all pixels, [images, height, width, channels]; the pointer is valid only
  /// during the call.
  public func withPixels<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    Self.withBytes(pixelStorage, pixelRange, body)
  }

  private static func withBytes<Result>(
    _ storage: ByteStorage, _ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    withExtendedLifetime(storage) {
      body(UnsafeRawBufferPointer(rebasing: storage.bytes[range]).bindMemory(to: UInt8.self))
    }
  }
}

// MARK: - Minibatches

extension ImageDataset {
  /// Writes chosen images as floats and their labels.
  ///
  /// A float is exactly `Float(byte) / 255`. An index may occur more than once.
  ///
  /// - Parameters:
  ///   - indices: [batch], each inside the set.
  ///   - images: gets [batch, height, width, channels].
  ///   - labels: gets [batch].
  /// - Precondition: the indices are inside the set, and both buffers have just the right size.
  /// - Complexity: reads one byte and writes one float a value; allocates nothing.
  public func gather(
    _ indices: UnsafeBufferPointer<Int32>, images: UnsafeMutableBufferPointer<Float>,
    labels: UnsafeMutableBufferPointer<Int32>
  ) {
    precondition(
      images.count == indices.count * pixelsPerImage && labels.count == indices.count,
      "\(indices.count) images of \(pixelsPerImage) values do not fill buffers of"
        + " \(images.count) values and \(labels.count) labels")
    for index in indices {
      precondition(index >= 0 && Int(index) < count, "image \(index) of a set of \(count)")
    }
    guard
      let source = indices.baseAddress, let images = images.baseAddress,
      let labels = labels.baseAddress
    else { return }
    withPixels { pixels in
      guard let pixels = pixels.baseAddress else { return }
      ck_gather_u8_f32(pixels, pixelsPerImage, source, indices.count, images)
    }
    withLabels { bytes in
      guard let bytes = bytes.baseAddress else { return }
      ck_gather_u8_i32(bytes, source, indices.count, labels)
    }
  }

  /// The chosen images as floats and their labels, as new arrays.
  ///
  /// - Precondition: the indices are inside the set.
  public func gather(_ indices: [Int32]) -> (images: [Float], labels: [Int32]) {
    var labels = [Int32](repeating: 0, count: indices.count)
    let size = indices.count * pixelsPerImage
    let images = [Float](unsafeUninitializedCapacity: size) { buffer, written in
      labels.withUnsafeMutableBufferPointer { labels in
        indices.withUnsafeBufferPointer { indices in
          gather(
            indices, images: UnsafeMutableBufferPointer(rebasing: buffer[..<size]), labels: labels)
        }
      }
      written = size
    }
    return (images, labels)
  }
}
