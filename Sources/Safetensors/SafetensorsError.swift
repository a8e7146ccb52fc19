public import Files

/// What can go wrong with a safetensors file, as facts.
///
/// The sentence for people is made in `SafetensorsError+Description.swift`.
public enum SafetensorsError: Error, Equatable, Sendable {
  /// The content breaks the format; `offset` counts bytes from the start of the file, and `path` is
  /// nil for bytes in memory.
  case malformed(path: String?, offset: Int, reason: Reason)
  /// The file can't be read or written.
  case file(FileError)
  /// An element of an array is NaN or infinite, in a file where numbers are computed with; `path` is
  /// nil for bytes in memory, and `index` counts from 0 in row-major order.
  case notFinite(path: String?, array: String, index: Int)
  /// An array's elements cannot become the type asked for.
  case notConvertible(from: SafetensorsType, to: SafetensorsType)

  /// The rule of the format that a file breaks.
  public enum Reason: Equatable, Sendable {
    /// The file has no room for the eight bytes that hold the header's length.
    case missingHeaderLength(fileBytes: Int)
    /// The header is longer than this reader accepts.
    case headerTooLong(length: UInt64, limit: Int)
    /// The header is longer than the rest of the file.
    case headerBeyondEnd(length: UInt64, available: Int)
    /// The header is not the JSON that the format asks for; `expected` says what should stand here.
    case unexpectedJSON(expected: String)
    /// A string is not UTF-8.
    case invalidUTF8
    /// A key occurs twice in one object.
    case duplicateKey(String)
    /// A value in `__metadata__` is not a string.
    case metadataNotString(key: String)
    /// An array has no dtype, no shape or no data_offsets.
    case missingField(array: String, field: String)
    /// An array has a field that the format does not know.
    case unknownField(array: String, field: String)
    /// The element type does not exist.
    case unknownType(array: String, type: String)
    /// A length or an offset is below zero.
    case negativeNumber(array: String)
    /// A number does not fit 63 bits.
    case numberTooLarge(array: String)
    /// The product of the shape does not fit 63 bits.
    case shapeOverflow(array: String)
    /// An array has too many axes.
    case tooManyAxes(array: String, limit: Int)
    /// The data would end before it begins.
    case offsetsReversed(array: String, begin: Int, end: Int)
    /// The data would end behind the end of the file.
    case dataBeyondEnd(array: String, end: Int, available: Int)
    /// The data's length is not what type and shape take.
    case sizeMismatch(array: String, expected: Int, found: Int)
    /// Two arrays share bytes.
    case overlap(array: String, with: String)
    /// Bytes before an array belong to none.
    case hole(before: String, bytes: Int)
    /// Bytes behind the last array belong to none.
    case trailingBytes(Int)
  }
}
