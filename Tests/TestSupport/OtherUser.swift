import Foundation

/// Runs the body with an ordinary user's rights to files, when the tests are run by root.
///
/// Permissions don't bind root, so what they forbid could not be tested. On Linux the user that files
/// are accessed as belongs to the thread: nothing else in the process changes.
///
/// - Precondition: the body stays on its thread, and starts none.
package func asOtherUser<Result>(_ body: () throws -> Result) rethrows -> Result {
  #if os(Linux)
    typealias Function = @convention(c) (UInt32) -> Int32
    // glibc's sys/fsuid.h is in no module.
    guard geteuid() == 0, let symbol = dlsym(nil, "setfsuid") else { return try body() }
    let setfsuid = unsafeBitCast(symbol, to: Function.self)
    _ = setfsuid(65534)
    defer { _ = setfsuid(0) }
    return try body()
  #else
    return try body()
  #endif
}
