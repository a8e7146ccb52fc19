import Foundation

/// A resource limit of this process (`ulimit`), for tests in processes of their own.
package enum Limit: Sendable {
  /// The largest file that it may write, in bytes.
  case fileSize
  /// The memory that it may map, in bytes.
  case addressSpace
  /// The files that it may have open.
  case openFiles

  /// A limit that can't be set.
  package struct Refused: Error {}

  /// Sets the limit.
  ///
  /// - Throws: `Refused`.
  package func set(to value: UInt64) throws {
    var limit = rlimit()
    limit.rlim_cur = rlim_t(value)
    limit.rlim_max = rlim_t(value)
    // An enumeration in glibc's headers.
    let which =
      switch self {
      case .fileSize: RLIMIT_FSIZE
      case .addressSpace: RLIMIT_AS
      case .openFiles: RLIMIT_NOFILE
      }
    #if canImport(Glibc)
      let code = setrlimit(__rlimit_resource_t(which.rawValue), &limit)
    #else
      let code = setrlimit(which, &limit)
    #endif
    guard code == 0 else { throw Refused() }
  }
}

/// The most memory that this process has had so far, in bytes.
package func peakMemory() -> Int {
  var usage = rusage()
  #if canImport(Glibc)
    // An enumeration in glibc's headers.
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  #else
    getrusage(RUSAGE_SELF, &usage)
  #endif
  #if canImport(Darwin)
    return usage.ru_maxrss
  #else
    return usage.ru_maxrss << 10
  #endif
}
