/// Text as one word of a POSIX shell, for commands that the user copies from a message.
public enum ShellWord {
  /// The text as it is when a shell takes it so, else in quotation marks.
  ///
  /// - A quotation mark is written as `'\''`: no shell resolves escapes inside single ones.
  /// - Control characters, a newline among them, take the form `$'\n'` of bash, zsh, ksh and
  ///   POSIX 2024, so that the command stays one line.
  /// - The empty text is `''`, and a tilde is quoted: shells replace it.
  public static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte >= 0x80 || "%+,-./:=@_".utf8.contains(byte)
    }
    if isPlain, !text.isEmpty { return text }
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      // Scalars, not Characters: a mark may be joined to a quotation mark.
      return "'" + text.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }
    let body = text.unicodeScalars.map { scalar in
      switch scalar {
      case "'", "\\": return "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let octal = String(scalar.value, radix: 8)
        return "\\" + String(repeating: "0", count: 3 - octal.count) + octal
      default: return String(scalar)
      }
    }
    return "$'\(body.joined())'"
  }
}
