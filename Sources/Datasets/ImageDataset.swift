import CKernels

/// A set of labelled images, kept as bytes.
///
/// Copies of the value share the bytes. No float copy of the set is ever made: `gather` turns the
/// images of one minibatch into floats, in the order row, column, channel.
public struct ImageDataset: Sendable {
  /// What a set is made of.
  public enum Origin: Sendable {
    /// Files, or bytes that a caller gave.
    case given
    /// The subset inside the program.
    case embedded
    /// Drawn by `SyntheticImages`.
    case synthetic
  }

  /// What the set is called, as `mnist`.
  public let name: String

  /// Where the set came from, for people: a folder or a description.
  public let source: String

  /// What the set is made of.
  public let origin: Origin

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

  let runs: [ImageRun]
  let order: ChannelOrder
  /// What `resized` has made of this set.
  let derived = DerivedSets()

  /// The number of values of one image: height x width x channels.
  public var pixelsPerImage: Int { height * width * channels }

  /// The bytes that an image takes.
  var bytesPerImage: Int { pixelsPerImage * (order == .floats ? MemoryLayout<Float>.stride : 1) }

  /// What the user is to be told whenever the set is used, if it is not what was asked for by its
  /// name.
  public var notice: String? {
    switch origin {
    case .given: nil
    case .embedded: MNIST.embeddedNotice
    case .synthetic: SyntheticImages.notice(for: name)
    }
  }

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
      name: name, source: source, origin: .given,
      shape: (height: height, width: width, channels: channels), classCount: classCount,
      runs: [
        ImageRun(
          count: labels.count,
          pixels: ByteRun(storage: ByteStorage(copying: pixels), first: 0, stride: size),
          labels: ByteRun(storage: ByteStorage(copying: labels), first: 0, stride: 1),
          labelsPath: source)
      ])
  }

  /// Makes a set of the same images and labels with other values [images, height, width, channels].
  ///
  /// - Precondition: as many values as that.
  init(
    floats: [Float], of set: ImageDataset, shape: (height: Int, width: Int, channels: Int)
  ) {
    name = set.name
    source = set.source
    origin = set.origin
    (height, width, channels) = shape
    classCount = set.classCount
    count = set.count
    order = .floats
    let size = shape.height * shape.width * shape.channels * MemoryLayout<Float>.stride
    precondition(floats.count * 4 == size * set.count, "\(floats.count) values for \(shape)")
    let labels = (0..<set.count).map { UInt8(set.label(at: $0)) }
    runs = [
      ImageRun(
        count: set.count,
        pixels: ByteRun(
          storage: floats.withUnsafeBytes { ByteStorage(copying: $0) }, first: 0, stride: size),
        labels: ByteRun(storage: ByteStorage(copying: labels), first: 0, stride: 1),
        labelsPath: set.source)
    ]
  }

  /// Makes a set from runs of images that are inside their bytes, and checks the labels.
  ///
  /// - Throws: `DatasetError.labelOutOfRange` with the index in its run; `tooLarge`.
  init(
    name: String, source: String, origin: Origin,
    shape: (height: Int, width: Int, channels: Int), classCount: Int, runs: [ImageRun],
    order: ChannelOrder = .interleaved
  ) throws(DatasetError) {
    self.name = name
    self.source = source
    self.origin = origin
    height = shape.height
    width = shape.width
    channels = shape.channels
    self.classCount = classCount
    count = runs.reduce(0) { $0 + $1.count }
    self.runs = runs
    self.order = order
    // Minibatches number images with 32 bits.
    guard count <= SizeLimit.images.rawValue else {
      throw .tooLarge(
        path: source, dimensions: [count, shape.height, shape.width], limit: .images)
    }
    for run in runs {
      let bytes = run.labels.storage.bytes
      for index in 0..<run.count {
        let label = Int(bytes[run.labels.first + index * run.labels.stride])
        guard label < classCount else {
          throw .labelOutOfRange(
            path: run.labelsPath, index: index, label: label, classCount: classCount)
        }
      }
    }
  }
}

// MARK: - Bytes

extension ImageDataset {
  /// The class of an image.
  ///
  /// - Precondition: the index is inside the set.
  public func label(at index: Int) -> Int {
    let (run, item) = place(of: index)
    return withExtendedLifetime(run) { Int(run.labels.address(of: item).pointee) }
  }

  /// The values of an image as bytes, rounded where they are kept as floats: [height, width, channels].
  ///
  /// - Precondition: the index is inside the set.
  public func pixels(at index: Int) -> [UInt8] {
    let (run, item) = place(of: index)
    return withExtendedLifetime(run) {
      let stored = UnsafeBufferPointer(
        start: run.pixels.address(of: item), count: bytesPerImage)
      switch order {
      case .interleaved: return Array(stored)
      case .planar:
        let area = height * width
        return stored.indices.map { stored[$0 % channels * area + $0 / channels] }
      case .floats:
        return UnsafeRawBufferPointer(stored).bindMemory(to: Float.self)
          .map { UInt8($0 * 255 + 0.5) }
      }
    }
  }

  /// The run that has an image, and the image's number in it.
  private func place(of index: Int) -> (run: ImageRun, item: Int) {
    var item = index
    for run in runs where item >= 0 {
      if item < run.count { return (run, item) }
      item -= run.count
    }
    preconditionFailure("image \(index) of a set of \(count)")
  }
}

// MARK: - Minibatches

extension ImageDataset {
  /// Writes chosen images as floats and their labels.
  ///
  /// Where bytes are kept, a float is exactly `Float(byte) / 255`. An index may occur more than once.
  ///
  /// - Parameters:
  ///   - indices: [batch], each inside the set.
  ///   - images: gets [batch, height, width, channels].
  ///   - labels: gets [batch].
  /// - Precondition: the indices are inside the set, and both buffers have just the right size.
  /// - Complexity: reads one byte and writes one float a value; keeps one address an image.
  public func gather(
    _ indices: UnsafeBufferPointer<Int32>, images: UnsafeMutableBufferPointer<Float>,
    labels: UnsafeMutableBufferPointer<Int32>
  ) {
    precondition(
      images.count == indices.count * pixelsPerImage && labels.count == indices.count,
      "\(indices.count) images of \(pixelsPerImage) values do not fill buffers of"
        + " \(images.count) values and \(labels.count) labels")
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < count }, "an image outside a set of \(count)")
    guard let images = images.baseAddress else { return }
    withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: indices.count) {
      addresses in
      withExtendedLifetime(runs) {
        // Run by run: most sets have one.
        var start = 0
        for run in runs {
          let (pixels, classes) = (run.pixels.base, run.labels.base)
          for (position, index) in indices.enumerated() {
            let item = Int(index) - start
            guard item >= 0 && item < run.count else { continue }
            addresses.initializeElement(at: position, to: pixels + item * run.pixels.stride)
            labels[position] = Int32(classes[item * run.labels.stride])
          }
          start += run.count
        }
        switch order {
        case .interleaved:
          ck_gather_u8_f32(addresses.baseAddress, pixelsPerImage, indices.count, images)
        case .planar:
          ck_gather_planar_u8_f32(
            addresses.baseAddress, height * width, channels, indices.count, images)
        case .floats:
          for position in indices.indices {
            guard let address = addresses[position] else { continue }
            address.withMemoryRebound(to: Float.self, capacity: pixelsPerImage) {
              (images + position * pixelsPerImage).update(from: $0, count: pixelsPerImage)
            }
          }
        }
      }
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
