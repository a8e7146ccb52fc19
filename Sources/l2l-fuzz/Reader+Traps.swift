import Files
import Processes

// What has the faults that are looked for: the watch must see each.
extension Reader {
  /// Readers that break, each by one input of two or fewer.
  static let traps: [Reader] = [
    trap("trap-crash") { fatalError("a crash") },
    trap("trap-time") { while true {} },
    // 70 MB, asked for and given back, as a reader asks that believes a length.
    trap("trap-memory") { if bytes(70 << 20).isEmpty { fatalError("a crash") } },
    // The same in a reader that looks first and makes an error of it.
    trap("trap-refused") {
      guard MemoryLimit.canMap(70 << 20) else { throw OutOfMemory(bytes: 70 << 20, purpose: "it") }
    },
  ]

  @inline(never)
  private static func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 1, count: count) }

  private static func trap(
    _ name: String, _ fall: @escaping @Sendable () throws -> Void
  ) -> Reader {
    Reader(
      name, seeds: { [[0, 0]] },
      // The seed itself is what is valid.
      read: { bytes, _ in if bytes != [0, 0] { try fall() } })
  }
}
