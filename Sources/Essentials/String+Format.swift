internal import Platform

#if canImport(FoundationEssentials)
  extension String {
    /// The text that C's printf makes of numbers, as Foundation's initializer of the same name does.
    ///
    ///     String(format: "%.3g s", 0.12345)  // "0.123 s"
    ///
    /// - Parameter format: as printf's; an argument of a wrong type is undefined behaviour, as in C.
    package init(format: String, _ arguments: any CVarArg...) {
      self = withVaList(arguments) { list in
        var buffer = [CChar](repeating: 0, count: 128)
        // The list is used up by a call, so that room for longer texts needs another.
        let length = Int(vsnprintf(&buffer, buffer.count, format, list))
        if length >= buffer.count {
          buffer = [CChar](repeating: 0, count: length + 1)
          _ = withVaList(arguments) { vsnprintf(&buffer, buffer.count, format, $0) }
        }
        return String(
          decoding: buffer.prefix { $0 != 0 }.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
    }
  }
#endif
