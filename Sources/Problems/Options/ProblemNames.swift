package import Settings

/// The names of one problem or of several, each different: `quadratic,mnist`, or given one by one.
package struct ProblemNames: SettingValue {
  /// The names, in the order in which they were given.
  package let names: [String]

  /// The names in a text, with commas between.
  package init(_ text: String) {
    names = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
  }

  /// The names with commas between.
  package var text: String { names.joined(separator: ",") }

  /// Any number of times.
  package static var arity: SettingArity { .list }
  /// A name.
  package static var placeholder: String { "NAME" }
  /// Names.
  package static func expectation(_ bounds: Bounds) -> String {
    "a problem's name, or several with commas between"
  }
  /// Names that are given in one text or in several.
  package init?(settingTexts texts: [String]) {
    self.init(texts.joined(separator: ","))
    guard Self.complaint(texts) == nil, !names.contains("") else { return nil }
  }
  /// Says which name was given twice.
  package static func complaint(_ texts: [String]) -> String? {
    var seen: Set<String> = []
    return texts.flatMap { ProblemNames($0).names }.first { !seen.insert($0).inserted }
      .map { "'\($0)' is given twice; name each problem once" }
  }
  /// A string.
  package init?(settingJSON json: JSONValue) {
    guard let text = json.string else { return nil }
    self.init(settingTexts: [text])
  }
  /// The names with commas between.
  package var settingText: String { text }
  /// A string.
  package var settingJSON: JSONValue { .string(text) }
}
