internal import Platform

/// Text that is safe to show to people: names of files and what stands in them can hold anything.
package enum MessageText {
  /// The text in quotation marks, with what could move a terminal's cursor or hide letters spelled
  /// out, and at most 200 characters long.
  package static func quoted(_ text: String) -> String {
    var result = "'"
    for scalar in text.unicodeScalars.prefix(200) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result + (text.unicodeScalars.dropFirst(200).isEmpty ? "'" : "…'")
  }

  /// The system's words for an `errno`.
  package static func system(_ code: Int32) -> String { String(cString: strerror(code)) }
}
