internal import Platform

/// A path as the system has it: bytes, none of them zero, that need not be UTF-8.
///
/// All that this package does with the parts of a path is here. Foundation is not asked: it expands
/// `~`, it needs the working directory to have a short name that is UTF-8, and on Linux
/// `deletingLastPathComponent` of a path of one character ends the program.
package struct Path: Hashable, Sendable {
  /// The bytes, as they were given: nothing is resolved, joined or cleaned up.
  package private(set) var bytes: [UInt8]

  private static let slash = UInt8(ascii: "/")

  /// A path of given bytes.
  package init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  /// A path that a user, or a part of the program, has written.
  package init(_ text: String) { bytes = Array(text.utf8) }

  /// The path for people: what is not UTF-8 is replaced by U+FFFD.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether the path can only be a folder's: it ends with a slash, or with `.` or `..` alone.
  package var mustBeFolder: Bool {
    let name = lastComponent
    return bytes.last == Self.slash || name == [0x2E] || name == [0x2E, 0x2E]
  }

  /// What follows the last slash, slashes at the end left out; empty for `/`.
  package var lastComponent: [UInt8] {
    let trimmed = bytes[..<endWithoutSlashes]
    return Array(trimmed[(trimmed.lastIndex(of: Self.slash).map { $0 + 1 } ?? 0)...])
  }

  /// The folder that holds it: `.` for a name alone, `/` for what lies there.
  ///
  /// Links are not looked at: the parent of `link/..` is `link`.
  package var parent: Path {
    let trimmed = bytes[..<endWithoutSlashes]
    guard let slash = trimmed.lastIndex(of: Self.slash) else {
      return Path(bytes.first == Self.slash ? "/" : ".")
    }
    var end = slash
    while end > 0, bytes[end - 1] == Self.slash { end -= 1 }
    return end == 0 ? Path("/") : Path(bytes: bytes[..<end])
  }

  private var endWithoutSlashes: Int {
    (bytes.lastIndex { $0 != Self.slash } ?? -1) + 1
  }

  /// A name in the folder that this path leads to.
  package func appending(_ name: some Collection<UInt8>) -> Path {
    let needsSlash = !bytes.isEmpty && bytes.last != Self.slash
    return Path(bytes: bytes + (needsSlash ? [Self.slash] : []) + Array(name))
  }

  /// A name in the folder that this path leads to.
  package func appending(_ name: String) -> Path { appending(Array(name.utf8)) }

  /// Lends the path to a system call.
  ///
  /// A zero byte would end the path early, and the call would go to another file: such a path is
  /// lent as the empty one, which no file has.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let isValid = !bytes.contains(0)
    let terminated = (isValid ? bytes : []).map { CChar(bitPattern: $0) } + [0]
    return terminated.withUnsafeBufferPointer { buffer in
      // Never empty: it has at least the zero.
      buffer.baseAddress.map(body) ?? body("")
    }
  }
}

// MARK: - What is there

extension Path {
  /// What the path leads to, links followed; nil when that can't be told, and `errno` says why.
  package var status: FileStatus? {
    var status = stat()
    return withCString { stat($0, &status) } == 0 ? FileStatus(status) : nil
  }

  /// What the path names, be it a link; nil when that can't be told, and `errno` says why.
  package var ownStatus: FileStatus? {
    var status = stat()
    return withCString { lstat($0, &status) } == 0 ? FileStatus(status) : nil
  }

  /// Whether the path names a file that is already open, as `/dev/stdout` sent to a file is: others
  /// write to it too, so it is written into and not replaced.
  var isOpenDescriptor: Bool {
    ["/dev/stdout", "/dev/stderr"].contains(text)
      || ["/dev/fd/", "/proc/self/fd/"].contains { bytes.starts(with: $0.utf8) }
  }

  /// Where a chain of links leads, be something there or not; the path itself when it is no link.
  ///
  /// Only the last part is followed, and by hand: `realpath` needs the whole path to exist and to
  /// be shorter than 4,096 bytes, the working directory's name included.
  ///
  /// - Returns: nil after 40 links, as the system's own limit; `errno` is ELOOP then.
  package func followingLinks() -> Path? {
    var path = self
    for _ in 0..<40 {
      guard let target = path.linkTarget else { return path }
      path =
        target.first == Self.slash ? Path(bytes: target) : path.parent.appending(target)
    }
    errno = ELOOP
    return nil
  }

  /// What a link says; nil for what is no link.
  private var linkTarget: [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = withCString { path in
      buffer.withUnsafeMutableBytes { raw in
        raw.withMemoryRebound(to: CChar.self) { buffer in
          buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
        }
      }
    }
    return count < 0 ? nil : Array(buffer[..<count])
  }
}
