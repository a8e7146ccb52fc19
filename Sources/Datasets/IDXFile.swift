// The IDX format (http://yann.lecun.com/exdb/mnist/, "THE IDX FILE FORMAT"): two zero bytes, a byte
// for the element type, a byte for the number of dimensions; the dimensions as big-endian 32-bit
// numbers; the elements, the last dimension varying fastest.

internal import Platform

/// An IDX file of unsigned bytes.
struct IDXFile {
  /// Where the file came from, for messages.
  let path: String
  /// The length of each dimension, all at least 1.
  let dimensions: [Int]
  /// The bytes of the file, or the elements alone.
  let storage: ByteStorage
  /// Where the elements are in the storage.
  let elements: Range<Int>

  /// Opens a plain file by mapping it, a gzipped one by decompressing it into memory.
  ///
  /// Which one it is is seen from the first bytes, not from the name. No memory is taken for what
  /// the dimensions promise before it is known that the file can hold that much.
  ///
  /// - Throws: every case of `DatasetError` that concerns one file.
  init(contentsOf path: String, rank: Int) throws(DatasetError) {
    try self.init(ByteStorage(mapping: path), path: path, rank: rank)
  }

  /// Reads the bytes of a file, plain or gzipped.
  init(_ file: ByteStorage, path: String, rank: Int) throws(DatasetError) {
    self.path = path
    let headerCount = 4 + 4 * rank
    if Inflater.isGzip(file.bytes) {
      let inflater = try Inflater(file, path: path)
      let header = try inflater.read(headerCount)
      dimensions = try Self.dimensions(header: header, rank: rank, path: path)
      let count = dimensions.reduce(1, *)
      storage = try Self.inflate(
        count, of: inflater, compressedCount: file.bytes.count, headerCount: headerCount,
        dimensions: dimensions, path: path)
      elements = 0..<count
    } else {
      let header = Array(file.bytes.prefix(headerCount))
      dimensions = try Self.dimensions(header: header, rank: rank, path: path)
      let count = dimensions.reduce(1, *)
      try Self.checkLength(
        expected: headerCount + count, found: file.bytes.count, path: path)
      storage = file
      elements = headerCount..<(headerCount + count)
    }
  }
}

// MARK: - Header

extension IDXFile {
  /// The dimensions that a header gives; `header` is shorter only when the file ends in it.
  ///
  /// Within `SizeLimit`, so that their product is a number.
  private static func dimensions(
    header: [UInt8], rank: Int, path: String
  ) throws(DatasetError) -> [Int] {
    let expectedMagic = 0x0800 + UInt32(rank)
    guard header.count >= 4 else {
      throw .truncated(path: path, expected: 4 + 4 * rank, found: header.count)
    }
    let magic = number(header[0..<4])
    guard magic & 0xffff_ff00 == 0x0800, magic != 0x0800 else {
      throw .wrongMagic(path: path, expected: expectedMagic, found: magic)
    }
    guard magic == expectedMagic else {
      throw .wrongDimensionCount(path: path, expected: rank, found: Int(magic & 0xff))
    }
    guard header.count == 4 + 4 * rank else {
      throw .truncated(path: path, expected: 4 + 4 * rank, found: header.count)
    }
    let dimensions = (1...rank).map { Int(number(header[(4 * $0)..<(4 * $0 + 4)])) }
    guard !dimensions.contains(0) else { throw .empty(path: path, dimensions: dimensions) }
    // Before a product of them is asked for, or memory.
    let pixels = dimensions.dropFirst().reduce(1.0) { $0 * Double($1) }
    for (count, limit) in [(Double(dimensions[0]), SizeLimit.images), (pixels, .pixels)]
    where count > Double(limit.rawValue) {
      throw .tooLarge(path: path, dimensions: dimensions, limit: limit)
    }
    return dimensions
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func checkLength(
    expected: Int, found: Int, path: String
  ) throws(DatasetError) {
    if found < expected { throw .truncated(path: path, expected: expected, found: found) }
    if found > expected { throw .trailingBytes(path: path, expected: expected, found: found) }
  }
}

// MARK: - Gzip

extension IDXFile {
  /// Decompresses the elements, and the stream to its end, where the checksum is.
  ///
  /// Deflate shrinks data at most 1,032 times (https://zlib.net/zlib_tech.html): a promise of more
  /// is a lie, and gets counted but not stored.
  private static func inflate(
    _ count: Int, of inflater: Inflater, compressedCount: Int, headerCount: Int,
    dimensions: [Int], path: String
  ) throws(DatasetError) -> ByteStorage {
    guard count <= SizeLimit.decompressedBytes.rawValue else {
      throw .tooLarge(path: path, dimensions: dimensions, limit: .decompressedBytes)
    }
    let expected = headerCount + count
    guard count / 1032 <= compressedCount else {
      let found = try inflater.countRest(atMost: count)
      throw .truncated(path: path, expected: expected, found: headerCount + found)
    }
    guard let start = malloc(count) else { throw .outOfMemory(path: path, bytes: count) }
    let buffer = UnsafeMutableRawBufferPointer(start: start, count: count)
    let storage = ByteStorage(adopting: buffer)
    let found = try inflater.read(into: buffer) + inflater.countRest(atMost: 1 << 20)
    try checkLength(expected: expected, found: headerCount + found, path: path)
    return storage
  }
}
