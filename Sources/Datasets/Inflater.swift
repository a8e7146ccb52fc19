import CZlib

/// Decompresses a gzip or zlib stream piece by piece; zlib checks the checksum at its end.
///
/// It is a class because zlib keeps the address of its state, and because its end frees that state.
final class Inflater {
  private let stream: UnsafeMutablePointer<z_stream>
  private let storage: ByteStorage
  private let path: String
  private var handedOver = 0
  private var isFinished = false
  /// Whether other members may follow; a zlib stream has one.
  private let isGzip: Bool

  /// Starts at the first byte of a compressed file; the path is for messages.
  init(_ storage: ByteStorage, path: String) throws(DatasetError) {
    self.storage = storage
    self.path = path
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    isGzip = true
    guard czlib_gunzip_init(stream) == Z_OK else { throw .outOfMemory(path: path, bytes: 0) }
  }

  /// Starts at the first byte of a zlib stream inside a file.
  init(_ storage: ByteStorage, path: String, zlibStreamAt offset: Int) throws(DatasetError) {
    self.storage = storage
    self.path = path
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    handedOver = offset
    isGzip = false
    guard czlib_zlib_init(stream) == Z_OK else { throw .outOfMemory(path: path, bytes: 0) }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Whether bytes begin as every gzip stream does.
  static func isGzip(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// Fills the buffer; returns fewer bytes than it holds only at the end of the stream.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    var count = 0
    while count < buffer.count && !isFinished {
      // zlib counts in 32 bits, so both sides get at most 1 GiB at a time.
      let room = min(buffer.count - count, 1 << 30)
      if stream.pointee.avail_in == 0 {
        let piece = storage.bytes[handedOver...].prefix(1 << 30)
        stream.pointee.next_in = UnsafeMutablePointer(
          mutating: UnsafeRawBufferPointer(rebasing: piece).bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(piece.count)
        handedOver += piece.count
      }
      stream.pointee.next_out = buffer.baseAddress?.advanced(by: count)
        .assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      let result = inflate(stream, Z_NO_FLUSH)
      count += room - Int(stream.pointee.avail_out)
      switch result {
      case Z_OK: break
      case Z_STREAM_END: try finishMember()
      case Z_MEM_ERROR: throw .outOfMemory(path: path, bytes: buffer.count)
      case Z_BUF_ERROR: throw corrupt("it ends too early")
      default:
        let detail = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)"
        throw corrupt(detail)
      }
    }
    return count
  }

  /// Decompresses up to `count` bytes; fewer only at the end of the stream.
  func read(_ count: Int) throws(DatasetError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    defer { buffer.deallocate() }
    let found = try read(into: buffer)
    return Array(buffer.prefix(found))
  }

  /// Decompresses the rest and counts its bytes without keeping them.
  ///
  /// Stops soon after `limit`: what goes on for longer is too long in any case.
  func countRest(atMost limit: Int) throws(DatasetError) -> Int {
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { scratch.deallocate() }
    var total = 0
    while true {
      let count = try read(into: scratch)
      total += count
      if count < scratch.count || total > limit { return total }
    }
  }

  private func corrupt(_ detail: String) -> DatasetError {
    .corruptGzip(path: path, offset: consumed, detail: detail)
  }

  /// How many bytes of the compressed data have been used.
  private var consumed: Int { handedOver - Int(stream.pointee.avail_in) }

  /// Goes on to the next member: files that are joined together make one stream.
  ///
  /// Zeros behind the last one are padding, as tapes and block devices leave it; gunzip reads it too.
  private func finishMember() throws(DatasetError) {
    guard isGzip else {
      isFinished = true
      return
    }
    let rest = storage.bytes[consumed...]
    if rest.allSatisfy({ $0 == 0 }) {
      isFinished = true
    } else if Self.isGzip(rest) {
      inflateReset(stream)
    } else {
      throw corrupt("other bytes follow its end")
    }
  }
}
