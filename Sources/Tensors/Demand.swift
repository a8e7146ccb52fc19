/// Ends the program with a message unless the caller kept its part of a function's contract.
///
/// A `precondition` that explains itself in release builds too, where Swift drops the messages of its
/// own: a mistake in shapes is found by reading both shapes, not by a trap.
@inline(__always)
package func demand(
  _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition { fatalError(message(), file: file, line: line) }
}
