internal import Platform

/// The memory that this process may map (`ulimit -v`).
package enum MemoryLimit {
  /// The limit in bytes; nil when there is none.
  package static var addressSpace: Int? {
    var limit = rlimit()
    #if canImport(Glibc)
      // An enumeration in glibc's headers.
      let code = getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    #else
      let code = getrlimit(RLIMIT_AS, &limit)
    #endif
    return code == 0 ? Int(exactly: limit.rlim_cur) : nil
  }

  /// Whether so many bytes can be mapped in one piece now.
  ///
  /// They are mapped and given back: no page is touched, so this costs microseconds. It tells of the
  /// limit, and of a machine without overcommitment, not of a container's memory.
  package static func canMap(_ bytes: Int) -> Bool {
    guard bytes > 0 else { return true }
    let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let start, start != MAP_FAILED else { return false }
    munmap(start, bytes)
    return true
  }
}

/// There is not enough memory for what is to be done.
package struct OutOfMemory: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes that were wanted.
  package let bytes: Int
  /// What for, as "OpenBLAS's work space".
  package let purpose: String
  /// The limit of address space, where there is one.
  package let limit: Int?

  /// Makes the error of a failed allocation.
  package init(bytes: Int, purpose: String, limit: Int? = MemoryLimit.addressSpace) {
    (self.bytes, self.purpose, self.limit) = (bytes, purpose, limit)
  }

  /// One line: how much was wanted for what, and what to do.
  package var description: String {
    let megabytes = (bytes + 0xf_ffff) >> 20
    let remedy = limit.map { "raise the limit of \($0 >> 20) MB (ulimit -v)" }
    return "there is no memory for \(purpose), \(megabytes) MB;"
      + " \(remedy ?? "use a machine or a container with more, or a smaller problem")"
  }
}
