package import LearnedOptimizers

/// What can be wrong with another program's file, as facts.
package enum CheckpointError: Error, Equatable, Sendable {
  /// The bytes break the format; `offset` counts from the start of the file.
  case malformed(format: CheckpointFormat, offset: Int, reason: Reason)
  /// The file is none of the known formats.
  case unknownFormat
  /// The arrays are those of no known optimizer; `found` are their names.
  case unknownLayout(found: [String])
  /// The format has no form for this optimizer.
  case notWritable(net: String, format: CheckpointFormat)
  /// An array has a shape that the optimizer can't have there.
  case wrongShape(name: String, found: [Int])
  /// The optimizer can't be made of what the file holds.
  case optimizer(OptimizerError)

  /// How a file breaks its format.
  package enum Reason: Equatable, Sendable {
    /// The file ends within a value.
    case endsTooEarly
    /// Bytes follow the value.
    case trailingBytes(Int)
    /// A byte that starts no value or is no known opcode.
    case unknownByte(UInt8)
    /// Values within values, too deep.
    case tooDeep(limit: Int)
    /// More values than a file of an optimizer has.
    case tooManyValues(limit: Int)
    /// A map's key is not a text, or is there twice.
    case badKey
    /// An array's description is wrong; in words.
    case badArray(String)
    /// A text is not UTF-8, or a number no number.
    case badText
    /// A pickle takes from an empty stack, or what is there is of the wrong kind.
    case badStack
    /// A pickle names a constructor that is not allowed.
    case forbidden(name: String)
  }
}
