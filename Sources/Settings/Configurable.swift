/// Something with settings: the options of a problem, of a training, of a command.
///
/// A conforming type is a structure of stored properties with their defaults and one `Setting` for
/// each of those that can be chosen by name.
public protocol Configurable: Sendable {
  /// All at their defaults.
  init()

  /// What can be chosen, in the order of help and tables.
  static var settings: [Setting<Self>] { get }

  /// Checks what no single setting can know, after all were read.
  ///
  /// - Throws: `SettingError` for settings that contradict each other.
  func check() throws(SettingError)
}

extension Configurable {
  /// Every combination goes.
  public func check() throws(SettingError) {}

  /// The setting of this name, or of this other spelling of it; nil when there is none.
  public static func setting(named name: String) -> Setting<Self>? {
    settings.first { $0.name == name || $0.otherNames.contains(name) }
  }

  /// The saved settings as JSON: how they are written to files and compared.
  public var json: [String: JSONValue] {
    Dictionary(
      uniqueKeysWithValues: Self.settings.filter(\.effect.isSaved).map { ($0.name, $0.json(self)) })
  }

  /// Reads what `json` wrote.
  ///
  /// - Throws: `SettingError` for the first entry that is missing, unknown, of the wrong kind or out
  ///   of range, and for entries that contradict each other.
  public init(json: [String: JSONValue]) throws(SettingError) {
    self.init()
    let saved = Self.settings.filter(\.effect.isSaved)
    if let name = json.keys.filter({ name in !saved.contains { $0.name == name } }).min() {
      throw SettingError(name, in: .file, .unknown(valid: saved.map(\.name)))
    }
    for setting in saved {
      guard let value = json[setting.name] else {
        throw SettingError(setting.name, in: .file, .missing)
      }
      guard setting.assignJSON(&self, value) else {
        throw SettingError(
          setting.name, in: .file, .invalid(value: value.text, expected: setting.expected))
      }
    }
    try check()
  }

  /// Takes settings from JSON, those that are not saved too; others keep their values.
  ///
  /// - Throws: `SettingError` for the first name, in alphabetical order, that is unknown or that two
  ///   spellings give, or whose value is of the wrong kind or out of range; then for settings that
  ///   contradict each other.
  public mutating func take(
    _ given: [String: JSONValue], in place: SettingPlace
  ) throws(SettingError) {
    var taken: [String: JSONValue] = [:]
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      guard let setting = Self.setting(named: name) else {
        throw SettingError(name, in: place, .unknown(valid: Self.settings.map(\.name)))
      }
      if let other = taken.updateValue(value, forKey: setting.name) {
        throw SettingError(setting.name, in: place, .repeated(values: [other.text, value.text]))
      }
      guard setting.assignJSON(&self, value) else {
        throw SettingError(
          setting.name, in: place, .invalid(value: value.text, expected: setting.expected))
      }
    }
    do {
      try check()
    } catch {
      throw error.moved(to: place)
    }
  }

  /// What was given for one setting on a command line, as JSON.
  ///
  /// - Throws: `SettingError` for an unknown name, and a text that can't be read or is out of range.
  public static func json(
    of name: String, reading text: String, in place: SettingPlace
  ) throws(SettingError) -> (name: String, value: JSONValue) {
    var owner = Self()
    var given = GivenSettings<Self>(in: place)
    try given.add(name, text)
    try given.apply(to: &owner)
    guard let setting = setting(named: name) else { return (name, .null) }
    return (setting.name, setting.json(owner))
  }

  /// What all ranks must have in common.
  public var fingerprint: String { JSONValue.object(json).text }

  /// The value of a setting as one would give it; empty when there is no such setting.
  public func text(of name: String) -> String { Self.setting(named: name)?.text(self) ?? "" }

  /// Throws the error of a setting whose value can't be used for a reason that only its user knows.
  ///
  /// - Parameter expected: what is to be given instead, in words.
  public func refuse(_ name: String, expected: String) -> SettingError {
    SettingError(
      name, in: .commandLine, .invalid(value: text(of: name), expected: expected))
  }

  /// Checks that a setting asks for no more than 2^28 numbers, 1 GiB.
  ///
  /// - Throws: `SettingError`.
  public func limit(_ name: String, elements: Int) throws(SettingError) {
    guard elements <= 1 << 28 else {
      throw refuse(name, expected: "less: this makes \(elements) numbers, over \(1 << 28)")
    }
  }
}

extension Setting where Owner: Configurable {
  /// The default as one would give it, or in words.
  public var defaultText: String { standard ?? text(Owner()) }

  /// Whether two owners have the same value.
  public func isEqual(_ first: Owner, _ second: Owner) -> Bool { json(first) == json(second) }

  /// The value as one would give it.
  public func text(of owner: Owner) -> String { text(owner) }
}

/// What there is to know of a setting without the type that it belongs to.
public struct SettingSummary: Sendable {
  /// The name.
  public let name: String
  /// Other spellings of it.
  public let otherNames: [String]
  /// The setting of which this one is a part that can be given by itself.
  public let whole: String?
  /// Whether its value is written to files.
  public let isSaved: Bool
  /// The default, as one would give it or in words.
  public let standard: String
  /// What may be given, in words.
  public let expected: String
  /// What it means, in a phrase.
  public let summary: String

  /// What there is to know of a setting.
  public init<Owner: Configurable>(_ setting: Setting<Owner>) {
    name = setting.name
    otherNames = setting.otherNames
    whole = setting.whole
    isSaved = setting.effect.isSaved
    standard = setting.defaultText
    expected = setting.expected
    summary = setting.summary
  }
}

/// A thing without settings.
public struct NoSettings: Configurable, Equatable {
  /// Nothing to choose.
  public static let settings: [Setting<NoSettings>] = []
  /// The only value.
  public init() {}
}
