// Turns the facts of a `SafetensorsError` into one line. Names come from the file and are escaped,
// so that a hostile file cannot write to the user's terminal.

internal import Files

extension SafetensorsError: CustomStringConvertible {
  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .malformed(let path, let offset, let reason):
      let place = path.map(quoted) ?? "the data"
      return "\(place) is not a valid safetensors file: at byte \(offset), \(reason);"
        + " use a file that is complete and unchanged"
    case .file(let error):
      return error.description
    case .notFinite(let path, let array, let index):
      return
        "\(path.map(quoted) ?? "the data") can't be used: the array \(quoted(array)) is not finite"
        + " at index \(index); use a file from before its training diverged"
    case .notConvertible(let from, let to):
      return "an array of \(from.rawValue) cannot be read as \(to.rawValue)"
    }
  }
}

extension SafetensorsError.Reason: CustomStringConvertible {
  /// The broken rule as a clause.
  public var description: String {
    switch self {
    case .missingHeaderLength(let bytes):
      "there is no header length: the file has \(bytes) of the first 8 bytes"
    case .headerTooLong(let length, let limit):
      "the header's length \(length) is over the limit of \(limit) bytes"
    case .headerBeyondEnd(let length, let available):
      "the header's length is \(length), but only \(available) bytes follow"
    case .unexpectedJSON(let expected):
      "the header should have \(expected)"
    case .invalidUTF8:
      "a string of the header is not UTF-8"
    case .duplicateKey(let key):
      "the key \(quoted(key)) occurs twice"
    case .metadataNotString(let key):
      "the metadata value of \(quoted(key)) is not a string"
    case .missingField(let array, let field):
      "array \(quoted(array)) has no \(field)"
    case .unknownField(let array, let field):
      "array \(quoted(array)) has the unknown field \(quoted(field))"
    case .unknownType(let array, let type):
      "array \(quoted(array)) has the unknown dtype \(quoted(type))"
    case .negativeNumber(let array):
      "array \(quoted(array)) has a negative number"
    case .numberTooLarge(let array):
      "array \(quoted(array)) has a number over \(Int.max)"
    case .shapeOverflow(let array):
      "the shape of array \(quoted(array)) takes more than \(Int.max) bytes"
    case .tooManyAxes(let array, let limit):
      "array \(quoted(array)) has more than \(limit) axes"
    case .offsetsReversed(let array, let begin, let end):
      "the data of array \(quoted(array)) begins at \(begin) and ends before it, at \(end)"
    case .dataBeyondEnd(let array, let end, let available):
      "the data of array \(quoted(array)) ends at \(end), but there are \(available) bytes of data"
    case .sizeMismatch(let array, let expected, let found):
      "array \(quoted(array)) takes \(expected) bytes by its shape, but has \(found)"
    case .overlap(let array, let other):
      "the data of array \(quoted(array)) overlaps that of \(quoted(other))"
    case .hole(let array, let bytes):
      "\(bytes) bytes before the data of array \(quoted(array)) belong to no array"
    case .trailingBytes(let bytes):
      "\(bytes) bytes at the end belong to no array"
    }
  }
}

private func quoted(_ text: String) -> String { MessageText.quoted(text) }

extension SafetensorsError {
  /// The error of bytes that were read from a file, with the file's name; others stay as they are.
  package func named(_ path: String) -> SafetensorsError {
    switch self {
    case .malformed(nil, let offset, let reason):
      .malformed(path: path, offset: offset, reason: reason)
    case .notFinite(nil, let array, let index):
      .notFinite(path: path, array: array, index: index)
    default: self
    }
  }
}
