/// Bytes at equal distances in one piece of memory or in one mapped file.
struct ByteRun: Sendable {
  /// What holds the bytes, and keeps their addresses good.
  let storage: ByteStorage
  /// Where the first item starts.
  let first: Int
  /// From one item to the next.
  let stride: Int

  /// The address of an item, valid as long as the storage lives.
  ///
  /// - Precondition: the item and what is read from its address on are inside the storage.
  func address(of item: Int) -> UnsafePointer<UInt8> { base + item * stride }

  /// The address of the first item, valid as long as the storage lives.
  ///
  /// - Precondition: there are items.
  var base: UnsafePointer<UInt8> {
    let bytes = UnsafeRawBufferPointer(rebasing: storage.bytes[first...])
    guard let start = bytes.baseAddress else { preconditionFailure("items of no bytes") }
    return start.assumingMemoryBound(to: UInt8.self)
  }
}

/// Images of one set with their labels that lie in one file, or in one for each of the two.
struct ImageRun: Sendable {
  /// The number of images.
  let count: Int
  /// The values of each image, without gaps.
  let pixels: ByteRun
  /// One byte an image.
  let labels: ByteRun
  /// The file of the labels, for messages.
  let labelsPath: String
}

/// In which order the values of an image lie.
enum ChannelOrder: Sendable {
  /// Row, column, channel.
  case interleaved
  /// Channel, row, column, as in the files of CIFAR-10.
  case planar
  /// Row, column, channel, as float32 numbers instead of bytes: what resized images have.
  case floats
}
