/// Settings as they were given, by name, before they are applied: what was given can be told from
/// what is left at its default.
public struct GivenSettings<Owner: Configurable>: Sendable {
  /// Where they were given.
  public let place: SettingPlace
  private var texts: [String: [String]] = [:]

  /// None so far.
  public init(in place: SettingPlace) { self.place = place }

  /// Settings from names and values, each given once.
  ///
  /// - Throws: `SettingError` for an unknown name.
  public init(_ given: [String: String], in place: SettingPlace) throws(SettingError) {
    self.init(in: place)
    for (name, text) in given.sorted(by: { $0.key < $1.key }) { try add(name, text) }
  }

  /// Adds one; `-` in names counts as `_`.
  ///
  /// - Throws: `SettingError` for an unknown name, and for one that was given before and is no list.
  public mutating func add(_ name: String, _ text: String) throws(SettingError) {
    let name = name.replacing("-", with: "_")
    guard let setting = Owner.setting(named: name) else {
      throw SettingError(name, in: place, .unknown(valid: Owner.settings.map(\.name)))
    }
    if setting.arity != .list, let first = texts[setting.name]?.last {
      throw SettingError(setting.name, in: place, .repeated(values: [first, text]))
    }
    texts[setting.name, default: []].append(text)
  }

  /// Whether a setting was given.
  public func contains(_ name: String) -> Bool { texts[name] != nil }

  /// The names of what was given, sorted.
  public var names: [String] { texts.keys.sorted() }

  /// Takes the settings in the order of their declaration; a list is replaced, not extended.
  ///
  /// - Throws: `SettingError` for the first that can't be read or is out of range; call `check` when
  ///   all sources have been applied.
  public func apply(to owner: inout Owner) throws(SettingError) {
    for setting in Owner.settings {
      guard let texts = texts[setting.name] else { continue }
      guard setting.assign(&owner, texts) else {
        throw SettingError(
          setting.name, in: place,
          setting.complaint(texts).map { .contradiction(reason: $0) }
            ?? .invalid(value: texts.joined(separator: " "), expected: setting.expected))
      }
    }
  }

  /// What was given, as a text: equal for equal settings in whatever order and spelling of names.
  public var fingerprint: String {
    JSONValue.object(texts.mapValues { .array($0.map { .string($0) }) }).text
  }

  /// What was given as words of a command line, in the order of declaration.
  public var arguments: [String] {
    Owner.settings.flatMap { setting in
      (texts[setting.name] ?? []).map { "--\(setting.name)=\($0)" }
    }
  }
}

extension GivenSettings {
  /// Settings as a parser found them: names that are declared, and what was given for each.
  package init(texts: [String: [String]], in place: SettingPlace) {
    self.place = place
    self.texts = texts
  }

  /// Prepared settings with these in place of theirs and besides them; of `NAME=VALUE` each name is a
  /// setting of its own.
  public func replacing(in prepared: GivenSettings) -> GivenSettings {
    var result = prepared
    for setting in Owner.settings {
      guard let own = texts[setting.name] else { continue }
      let items = Set(own.map(setting.itemName))
      let others = (prepared.texts[setting.name] ?? []).filter {
        !items.contains(setting.itemName($0))
      }
      result.texts[setting.name] = others + own
    }
    return result
  }

  /// The same without some settings.
  public func without(_ names: [String]) -> GivenSettings {
    var result = self
    for name in names { result.texts[name] = nil }
    return result
  }
}
