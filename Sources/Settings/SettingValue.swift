/// A type of which a setting can be: how its values are written on a command line and in JSON.
///
/// Conform a type of your own to use it in settings; enumerations with names need no conformance.
public protocol SettingValue: Equatable, Sendable {
  /// How the command line gives it.
  static var arity: SettingArity { get }

  /// What stands for the value in help, as `NUMBER`.
  static var placeholder: String { get }

  /// What may be given, in words: `a whole number from 1 to 10`.
  static func expectation(_ bounds: Bounds) -> String

  /// Reads what was given, once or, for lists, any number of times; nil when it can't be read.
  init?(settingTexts texts: [String])

  /// The name of what a text is for, where each of several texts has one of its own.
  static func itemName(_ text: String) -> String?

  /// What is wrong with texts that can't be read, where it is not that they are no `expectation`.
  static func complaint(_ texts: [String]) -> String?

  /// Reads what `settingJSON` wrote; nil for anything else.
  init?(settingJSON json: JSONValue)

  /// The value as one would give it.
  var settingText: String { get }

  /// The value in files.
  var settingJSON: JSONValue { get }

  /// Whether its numbers, if it has any, lie in the bounds.
  func isWithin(_ bounds: Bounds) -> Bool
}

/// How often an option is given on a command line and whether it takes a value.
public enum SettingArity: Sendable {
  /// `--name`, or `--name=true` and `--name=false`.
  case flag
  /// `--name=VALUE`, at most once.
  case single
  /// `--name=VALUE`, any number of times.
  case list
}

extension SettingValue {
  /// Given once.
  public static var arity: SettingArity { .single }

  /// All texts are for the same.
  public static func itemName(_ text: String) -> String? { nil }

  /// Nothing special.
  public static func complaint(_ texts: [String]) -> String? { nil }

  /// Values without numbers have no bounds.
  public func isWithin(_ bounds: Bounds) -> Bool { true }
}

// MARK: - Numbers

extension Int: SettingValue {
  /// A number.
  public static var placeholder: String { "N" }
  /// A whole number.
  public static func expectation(_ bounds: Bounds) -> String {
    joined("a whole number", "\(bounds)")
  }
  /// A decimal number.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last, let value = Int(text) else { return nil }
    self = value
  }
  /// A number without fraction.
  public init?(settingJSON json: JSONValue) {
    guard let number = json.number, let value = Int(exactly: number) else { return nil }
    self = value
  }
  /// The digits.
  public var settingText: String { "\(self)" }
  /// A number.
  public var settingJSON: JSONValue { .number(Double(self)) }
  /// Compared as a `Double`.
  public func isWithin(_ bounds: Bounds) -> Bool { bounds.contains(Double(self)) }
}

extension UInt64: SettingValue {
  /// A number.
  public static var placeholder: String { "N" }
  /// A whole number of 64 bits.
  public static func expectation(_ bounds: Bounds) -> String {
    "a whole number from 0 to \(UInt64.max)"
  }
  /// A decimal number.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last, let value = UInt64(text) else { return nil }
    self = value
  }
  /// A string: numbers in JSON have 53 bits.
  public init?(settingJSON json: JSONValue) {
    guard let text = json.string, let value = UInt64(text) else { return nil }
    self = value
  }
  /// The digits.
  public var settingText: String { "\(self)" }
  /// A string: numbers in JSON have 53 bits.
  public var settingJSON: JSONValue { .string("\(self)") }
}

/// Whether a number that is not 0 would be 0 where it is computed with, which nobody who wrote it wants.
///
/// - Parameter text: what was written, of which the number itself may be 0 already.
private func isLostInSinglePrecision(_ value: Double, _ text: String = "") -> Bool {
  guard value == 0 else { return Float(value) == 0 }
  let digits = text.utf8.prefix { !"eEpP".utf8.contains($0) }
  return digits.contains { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }
}

extension StringProtocol {
  /// Whether there is nothing but digits, signs, points and exponents: what else Swift reads as a number
  /// (hexadecimal digits, whatever follows a zero byte) nobody writes on purpose.
  package var isDecimal: Bool { utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } }
}

extension Double: SettingValue {
  /// A number.
  public static var placeholder: String { "X" }
  /// A finite number.
  public static func expectation(_ bounds: Bounds) -> String {
    joined("a finite number", "\(bounds)")
  }
  /// A decimal number, with or without exponent.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last, text.isDecimal, let value = Double(text), value.isFinite,
      !isLostInSinglePrecision(value, text)
    else { return nil }
    self = value
  }
  /// A number.
  public init?(settingJSON json: JSONValue) {
    guard let number = json.number, !isLostInSinglePrecision(number) else { return nil }
    self = number
  }
  /// The shortest digits that read back as the same number.
  public var settingText: String { settingJSON.text }
  /// A number.
  public var settingJSON: JSONValue { .number(self) }
  /// Whether the number lies in the bounds.
  public func isWithin(_ bounds: Bounds) -> Bool { bounds.contains(self) }
}

extension Float: SettingValue {
  /// A number.
  public static var placeholder: String { "X" }
  /// A finite number.
  public static func expectation(_ bounds: Bounds) -> String { Double.expectation(bounds) }
  /// A decimal number, with or without exponent.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last, text.isDecimal, let value = Float(text), value.isFinite,
      !isLostInSinglePrecision(Double(value), text)
    else { return nil }
    self = value
  }
  /// A number.
  public init?(settingJSON json: JSONValue) {
    guard let number = json.number, !isLostInSinglePrecision(number) else { return nil }
    self = Float(number)
  }
  /// The shortest digits that read back as the same number.
  public var settingText: String { settingJSON.text }
  /// The shortest decimal that reads back as the same number.
  public var settingJSON: JSONValue { JSONValue.float(self) }
  /// Whether the number lies in the bounds.
  public func isWithin(_ bounds: Bounds) -> Bool { bounds.contains(Double(self)) }
}

private func joined(_ noun: String, _ bounds: String) -> String {
  bounds.isEmpty ? noun : "\(noun) \(bounds)"
}
