// The kinds of settings besides numbers.

extension Bool: SettingValue {
  /// With or without a value.
  public static var arity: SettingArity { .flag }
  /// One of two words.
  public static var placeholder: String { "true|false" }
  /// One of two words.
  public static func expectation(_ bounds: Bounds) -> String { "true or false" }
  /// `true` or `false` in small or capital letters.
  public init?(settingTexts texts: [String]) {
    switch texts.last?.lowercased() {
    case "true": self = true
    case "false": self = false
    default: return nil
    }
  }
  /// true or false.
  public init?(settingJSON json: JSONValue) {
    guard case .bool(let value) = json else { return nil }
    self = value
  }
  /// `true` or `false`.
  public var settingText: String { self ? "true" : "false" }
  /// true or false.
  public var settingJSON: JSONValue { .bool(self) }
}

extension String: SettingValue {
  /// Any text.
  public static var placeholder: String { "TEXT" }
  /// Any text.
  public static func expectation(_ bounds: Bounds) -> String { "some text" }
  /// The text as it is.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last else { return nil }
    self = text
  }
  /// A string.
  public init?(settingJSON json: JSONValue) {
    guard let text = json.string else { return nil }
    self = text
  }
  /// The text.
  public var settingText: String { self }
  /// A string.
  public var settingJSON: JSONValue { .string(self) }
}

extension JSONValue: SettingValue {
  /// Any text.
  public static var placeholder: String { "JSON" }
  /// JSON or a word.
  public static func expectation(_ bounds: Bounds) -> String { "JSON or a word" }
  /// JSON, or else a word that stands for itself.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last else { return nil }
    self = JSONValue(parsing: text) ?? .string(text)
  }
  /// Any value.
  public init?(settingJSON json: JSONValue) { self = json }
  /// Compact JSON.
  public var settingText: String { text }
  /// The value.
  public var settingJSON: JSONValue { self }
}

/// Numbers separated by commas, in parentheses or not, one comma more at the end or not, where nothing
/// or `()` stands for none; or texts that are given one by one, each as it is.
extension Array: SettingValue where Element: SettingValue {
  private static var hasTexts: Bool { Element.self == String.self }

  /// Numbers at once, texts one by one.
  public static var arity: SettingArity { hasTexts ? .list : .single }
  /// The form of a list.
  public static var placeholder: String {
    hasTexts ? Element.placeholder : "\(Element.placeholder),..."
  }
  /// As many as one likes.
  public static func expectation(_ bounds: Bounds) -> String {
    let one = Element.expectation(bounds)
    guard !hasTexts else { return one }
    let noun = ["a whole number", "a finite number"].first { one.hasPrefix($0) }
    let many = noun.map { "\($0.dropFirst(2))s\(one.dropFirst($0.count))" } ?? one
    return "\(many) separated by commas, as 20,20"
  }
  /// The elements between commas, or all texts that were given.
  public init?(settingTexts texts: [String]) {
    guard let parts = Self.hasTexts ? texts : texts.last.flatMap(Self.parts) else { return nil }
    self = []
    for part in parts {
      guard let element = Element(settingTexts: [part]) else { return nil }
      append(element)
    }
  }

  private static func parts(of text: String) -> [String]? {
    var inner = text[...]
    for (open, close) in [("(", ")"), ("[", "]")] where inner.hasPrefix(open) {
      guard inner.hasSuffix(close) else { return nil }
      inner = inner.dropFirst().dropLast()
    }
    var parts = inner.split(separator: ",", omittingEmptySubsequences: false)
    if parts.last?.allSatisfy({ $0 == " " }) ?? false { parts.removeLast() }
    let words = parts.map { $0.split(separator: " ") }
    return words.allSatisfy { $0.count == 1 } ? words.map { String($0[0]) } : nil
  }

  /// A list.
  public init?(settingJSON json: JSONValue) {
    guard let list = json.array else { return nil }
    self = []
    for value in list {
      guard let element = Element(settingJSON: value) else { return nil }
      append(element)
    }
  }
  /// The elements between commas.
  public var settingText: String { map(\.settingText).joined(separator: ",") }
  /// A list.
  public var settingJSON: JSONValue { .array(map(\.settingJSON)) }
  /// Whether all elements lie in the bounds.
  public func isWithin(_ bounds: Bounds) -> Bool { allSatisfy { $0.isWithin(bounds) } }
}

/// A value or `none`, which no text can be.
extension Optional: SettingValue where Wrapped: SettingValue {
  /// As the value.
  public static var arity: SettingArity { Wrapped.arity }
  /// As the value.
  public static var placeholder: String { Wrapped.placeholder }
  /// As the value.
  public static func expectation(_ bounds: Bounds) -> String { Wrapped.expectation(bounds) }
  /// `none` or a value.
  public init?(settingTexts texts: [String]) {
    if texts.last == "none", Wrapped.self != String.self {
      self = .none
      return
    }
    guard let value = Wrapped(settingTexts: texts) else { return nil }
    self = value
  }
  /// null or a value.
  public init?(settingJSON json: JSONValue) {
    if json == .null {
      self = .none
      return
    }
    guard let value = Wrapped(settingJSON: json) else { return nil }
    self = value
  }
  /// `none` or the value.
  public var settingText: String { self?.settingText ?? "none" }
  /// null or the value.
  public var settingJSON: JSONValue { self?.settingJSON ?? .null }
  /// Nothing lies in all bounds.
  public func isWithin(_ bounds: Bounds) -> Bool { self?.isWithin(bounds) ?? true }
}

/// `NAME=VALUE`, given once a name: the options of something that is itself chosen by an option.
extension Dictionary: SettingValue where Key == String, Value == String {
  /// One at a time.
  public static var arity: SettingArity { .list }
  /// The form of one.
  public static var placeholder: String { "NAME=VALUE" }
  /// The form of one.
  public static func expectation(_ bounds: Bounds) -> String { "NAME=VALUE" }
  /// The side before the first `=`.
  public static func itemName(_ text: String) -> String? { pair(text)?.name }
  /// A name that is given twice.
  public static func complaint(_ texts: [String]) -> String? {
    var names: Set<String> = []
    for case (let name, _)? in texts.map(pair) where !names.insert(name).inserted {
      return "'\(name)' is given twice; give each NAME=VALUE once"
    }
    return nil
  }
  /// One a text; `-` in names counts as `_`.
  public init?(settingTexts texts: [String]) {
    self = [:]
    for text in texts {
      guard let (name, value) = Self.pair(text), updateValue(value, forKey: name) == nil else {
        return nil
      }
    }
  }
  /// An object of strings.
  public init?(settingJSON json: JSONValue) {
    guard let members = json.object else { return nil }
    self = members.compactMapValues(\.string)
    if count != members.count { return nil }
  }
  /// All of them.
  public var settingText: String {
    sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }
  /// An object of strings.
  public var settingJSON: JSONValue { .object(mapValues { .string($0) }) }

  /// The name with `_` for `-`; a problem's or net's own name before a dot stays as it is.
  private static func name(_ text: String) -> String {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return text.replacing("-", with: "_") }
    return "\(parts[0]).\(parts[1].replacing("-", with: "_"))"
  }

  /// The two sides of the first `=`; nil without it or without a name.
  static func pair(_ text: String) -> (name: String, value: String)? {
    let bytes = text.utf8
    guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")), sign > bytes.startIndex else {
      return nil
    }
    return (
      name(String(decoding: bytes[..<sign], as: UTF8.self)),
      String(decoding: bytes[bytes.index(after: sign)...], as: UTF8.self)
    )
  }
}
