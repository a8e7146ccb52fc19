internal import Platform

/// A MATLAB file of level 5, of which arrays of bytes are read.
///
/// "MAT-File Format", The MathWorks, chapter 1: a header of 128 bytes, then elements of a type and a
/// length, both 32 bits, and data padded to 8 bytes. An array is an element of type 14 that holds four
/// or more: flags, dimensions, name, values. It may be compressed as a whole by zlib, type 15. Elements
/// of up to 4 bytes have length and type in 16 bits each. Values lie with the first index fastest.
struct MATFile {
  /// An array of bytes.
  struct Array {
    let dimensions: [Int]
    let values: UnsafeMutableRawBufferPointer
    // Keeps the values.
    let storage: ByteStorage
  }

  /// Where the file is, for messages.
  let path: String
  private let file: ByteStorage

  /// Maps a file and checks its header.
  ///
  /// - Throws: `DatasetError.malformedMAT`, or errors of the system.
  init(mapping path: String) throws(DatasetError) {
    self.path = path
    file = try ByteStorage(mapping: path)
    guard file.bytes.count >= 128, file.bytes[126...127].elementsEqual("IM".utf8) else {
      throw .malformedMAT(
        path: path, offset: 0, reason: "it is no MATLAB file of level 5 with little-endian numbers")
    }
  }

  /// The array of a name, with at most `limit` values.
  ///
  /// - Throws: `DatasetError.malformedMAT` when there is none, or when its values are not bytes.
  func array(named name: String, limit: Int) throws(DatasetError) -> Array {
    var offset = 128
    while offset + 8 <= file.bytes.count {
      let type = number(at: offset)
      let length = Int(number(at: offset + 4))
      guard length <= file.bytes.count - offset - 8 else {
        throw malformed(offset, "an element goes on after the end of the file")
      }
      if type == 14 || type == 15 {
        var reader = try ElementReader(
          file, path: path, at: offset, length: length, isCompressed: type == 15)
        if let array = try reader.array(named: name, limit: limit) { return array }
      }
      offset += 8 + length
    }
    throw malformed(offset, "it has no array \(name)")
  }

  private func number(at offset: Int) -> UInt32 {
    UInt32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private func malformed(_ offset: Int, _ reason: String) -> DatasetError {
    .malformedMAT(path: path, offset: offset, reason: reason)
  }
}

/// Reads the parts of one array, compressed or not.
private struct ElementReader {
  private let path: String
  private let offset: Int
  private let inflater: Inflater?
  private var plain: Slice<UnsafeRawBufferPointer>

  init(
    _ file: ByteStorage, path: String, at offset: Int, length: Int, isCompressed: Bool
  ) throws(DatasetError) {
    self.path = path
    self.offset = offset
    plain = file.bytes[(offset + 8)..<(offset + 8 + length)]
    if isCompressed {
      inflater = try Inflater(file, path: path, zlibStreamAt: offset + 8)
      // The compressed data are an element of their own.
      let tag = try read(8)
      guard tag[0..<4].elementsEqual([14, 0, 0, 0]) else { throw malformed("no array is in it") }
    } else {
      inflater = nil
    }
  }

  private func malformed(_ reason: String) -> DatasetError {
    .malformedMAT(path: path, offset: offset, reason: reason)
  }

  private mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) {
    var count = min(buffer.count, plain.count)
    if let inflater {
      count = try inflater.read(into: buffer)
    } else {
      buffer.copyBytes(from: plain.prefix(count))
      plain = plain.dropFirst(count)
    }
    guard count == buffer.count else { throw malformed("an array is cut short") }
  }

  private mutating func read(_ count: Int) throws(DatasetError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    try fill(buffer)
    return Array(buffer)
  }

  private func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// The type and the length of the next element, and its data if they are in its tag.
  private mutating func tag() throws(DatasetError) -> (type: Int, length: Int, small: [UInt8]?) {
    let bytes = try read(8)
    let (word, length) = (number(bytes[0..<4]), number(bytes[4..<8]))
    let small = word >> 16
    guard small > 0 else { return (word, length, nil) }
    guard small <= 4 else { throw malformed("a small element has \(small) bytes") }
    return (word & 0xffff, small, Array(bytes[4..<(4 + small)]))
  }

  private mutating func element(limit: Int) throws(DatasetError) -> (type: Int, data: [UInt8]) {
    let (type, length, small) = try tag()
    if let small { return (type, small) }
    guard length <= limit else { throw malformed("a part of an array has \(length) bytes") }
    let data = try read(length)
    _ = try read((8 - length % 8) % 8)
    return (type, data)
  }

  /// The array if it has the name; else nil.
  mutating func array(named wanted: String, limit: Int) throws(DatasetError) -> MATFile.Array? {
    _ = try element(limit: 64)
    let dimensions = try element(limit: 64)
    let name = try element(limit: 256)
    guard name.data.elementsEqual(wanted.utf8) else { return nil }
    guard dimensions.type == 5, dimensions.data.count % 4 == 0 else {
      throw malformed("the dimensions of \(wanted) are no 32-bit numbers")
    }
    let extents = stride(from: 0, to: dimensions.data.count, by: 4).map {
      number(dimensions.data[$0..<($0 + 4)])
    }
    var count = 1.0
    for extent in extents { count *= Double(extent) }
    guard count >= 1, count <= Double(limit) else {
      throw malformed("\(wanted) has the dimensions \(extents)")
    }
    let (type, length, small) = try tag()
    guard type == 2, length == Int(count) else {
      throw malformed("the values of \(wanted) are not \(Int(count)) unsigned bytes")
    }
    guard let start = malloc(length) else { throw .outOfMemory(path: path, bytes: length) }
    let buffer = UnsafeMutableRawBufferPointer(start: start, count: length)
    let storage = ByteStorage(adopting: buffer)
    if let small { buffer.copyBytes(from: small) } else { try fill(buffer) }
    return MATFile.Array(dimensions: extents, values: buffer, storage: storage)
  }
}
