/// Several cases of an enumeration by their raw values, each once and at least one, between commas.
///
/// ```swift
/// var activations: Choices<Activation> = [.relu, .tanh]
/// Setting("activations", \.activations, "what is drawn from")  // --problem_option activations=relu,tanh
/// ```
public struct Choices<Element: RawRepresentable<String> & CaseIterable & Sendable & Equatable> {
  /// The chosen cases in the order given.
  public let elements: [Element]

  /// These cases.
  ///
  /// - Precondition: at least one, each once.
  public init(_ elements: [Element]) {
    precondition(Self.areValid(elements), "choices \(elements)")
    self.elements = elements
  }

  private static func areValid(_ elements: [Element]) -> Bool {
    !elements.isEmpty
      && elements.indices.allSatisfy { !elements[..<$0].contains(elements[$0]) }
  }

  private init?(names: [String]) {
    let found = names.compactMap(Element.init(rawValue:))
    guard found.count == names.count, Self.areValid(found) else { return nil }
    elements = found
  }
}

extension Choices: Sendable, Equatable {}

extension Choices: SettingValue {
  /// The names between commas.
  public static var placeholder: String { "NAME,..." }
  /// All names.
  public static func expectation(_ bounds: Bounds) -> String {
    let names = Element.allCases.map(\.rawValue)
    return "one or more of \(names.joined(separator: ", ")), separated by commas"
  }
  /// Names between commas.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last else { return nil }
    self.init(names: text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
  }
  /// A list of names.
  public init?(settingJSON json: JSONValue) {
    guard let list = json.array else { return nil }
    let names = list.compactMap(\.string)
    guard names.count == list.count else { return nil }
    self.init(names: names)
  }
  /// The names between commas.
  public var settingText: String { elements.map(\.rawValue).joined(separator: ",") }
  /// A list of names.
  public var settingJSON: JSONValue { .array(elements.map { .string($0.rawValue) }) }
}
