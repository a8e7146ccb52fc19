internal import Platform

/// Bytes that never change: a mapped file, memory of its own, or a part of the program.
///
/// A mapped file takes no memory of the process: all processes of a machine share the system's copy
/// of it. Whoever cuts the file while it is mapped ends the program (SIGBUS), as with every mapping;
/// replacing it by a rename is safe.
///
/// It is a class because its end frees the memory. `@unchecked Sendable` is right because nothing
/// writes to the bytes once `init` has returned.
final class ByteStorage: @unchecked Sendable {
  /// All bytes.
  let bytes: UnsafeRawBufferPointer

  private enum Owner {
    case mapping
    case allocation
    case program
  }

  private let owner: Owner

  /// Takes bytes that live as long as the program.
  init(embedded bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    owner = .program
  }

  /// Copies an array.
  convenience init(copying array: [UInt8]) {
    guard let start = malloc(max(array.count, 1)) else {
      preconditionFailure("no memory to copy \(array.count) bytes")
    }
    let buffer = UnsafeMutableRawBufferPointer(start: start, count: array.count)
    buffer.copyBytes(from: array)
    self.init(adopting: buffer)
  }

  /// Copies bytes.
  convenience init(copying bytes: UnsafeRawBufferPointer) {
    guard let start = malloc(max(bytes.count, 1)) else {
      preconditionFailure("no memory to copy \(bytes.count) bytes")
    }
    let buffer = UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
    buffer.copyMemory(from: bytes)
    self.init(adopting: buffer)
  }

  /// Takes over memory that came from `malloc`.
  init(adopting buffer: UnsafeMutableRawBufferPointer) {
    bytes = UnsafeRawBufferPointer(buffer)
    owner = .allocation
  }

  /// Maps a regular file for reading.
  init(mapping path: String) throws(DatasetError) {
    // O_NONBLOCK: opening a pipe must not wait for a writer. It changes nothing for regular files.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotRead(path: path, call: "open", code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .cannotRead(path: path, call: "fstat", code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    let count = Int(status.st_size)
    guard count > 0 else {  // The system refuses to map nothing.
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      owner = .program
      return
    }
    guard
      let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      start != MAP_FAILED
    else { throw .cannotRead(path: path, call: "mmap", code: errno) }
    bytes = UnsafeRawBufferPointer(start: start, count: count)
    owner = .mapping
  }

  deinit {
    switch owner {
    case .mapping: munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    case .allocation: free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    case .program: break
    }
  }
}
