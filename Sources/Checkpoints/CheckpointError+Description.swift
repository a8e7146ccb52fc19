internal import LearnedOptimizers

extension CheckpointError: CustomStringConvertible {
  /// One line: what is wrong, where, and what to do.
  package var description: String {
    switch self {
    case .malformed(let format, let offset, .forbidden(let name)):
      return
        "it is a \(format.words) that asks for '\(printable(name))' at byte \(offset), which is"
        + " not run; only dictionaries, lists and NumPy arrays are read"
    case .malformed(let format, let offset, let reason):
      return
        "it is no valid \(format.words): at byte \(offset), \(reason.words); use a file that is"
        + " complete and unchanged"
    case .unknownFormat:
      return "it is neither safetensors, flax msgpack nor a pickle"
    case .unknownLayout(let found):
      let names = found.prefix(8).map { printable($0) }.joined(separator: ", ")
      return "its arrays are those of no optimizer that l2l knows: "
        + (found.isEmpty ? "there are none" : names + (found.count > 8 ? ", ..." : ""))
    case .notWritable(let net, let format):
      return "\(format.words) has no form for \(net); give another --format"
    case .wrongShape(let name, let found):
      return "its array '\(printable(name))' has the shape \(found), which does not fit"
    case .optimizer(let error): return error.description
    }
  }

  private func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { $0.value < 32 ? "?" : $0 }))
  }
}

extension CheckpointError.Reason {
  fileprivate var words: String {
    switch self {
    case .endsTooEarly: "the file ends within a value"
    case .trailingBytes(let count): "\(count) bytes follow the value"
    case .unknownByte(let byte): "the byte \(byte) has no meaning"
    case .tooDeep(let limit): "values lie deeper than \(limit) within each other"
    case .tooManyValues(let limit): "there are more than \(limit) values"
    case .badKey: "a key is no text or is there twice"
    case .badArray(let reason): "an array can't be: \(reason)"
    case .badText: "a text or number can't be read"
    case .badStack: "the pickle's stack does not hold what it takes"
    case .forbidden(let name): "it asks for '\(name)'"
    }
  }
}
