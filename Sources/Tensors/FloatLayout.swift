/// Places in one block of memory, handed out one after the other, each at a multiple of 64 bytes.
package struct FloatLayout: Sendable {
  /// The floats that all places take together.
  package private(set) var count = 0

  /// No places so far.
  package init() {}

  /// Where the next so many floats begin.
  package mutating func take(_ floats: Int) -> Int {
    defer { count += (floats + 15) / 16 * 16 }
    return count
  }
}
