/// What a setting decides, from which follows when it may change.
public enum SettingEffect: CaseIterable, Sendable {
  /// The numbers of a training: fixed once it has begun, and saved with it.
  case numbers
  /// How far a training goes and how often it reports: may change whenever it is resumed; saved.
  case extent
  /// Only how this one run is done: given anew each time, and not saved.
  case run

  /// Whether a training that is resumed may be given another value.
  public var mayChange: Bool { self != .numbers }
  /// Whether the value is part of a saved training and of what all ranks agree on.
  public var isSaved: Bool { self != .run }
}

/// One option of something: the only place where it is written down.
///
/// From it follow the command line's option, its help with the default, the JSON form in files, the
/// check of its range with an error that says what to give, whether `--resume` may change it, whether
/// ranks must agree on it, and the tables of the README and of `l2l list`.
///
/// ```swift
/// struct RosenbrockOptions: Configurable {
///   var scale = 100.0
///   static let settings = [
///     Setting("scale", \RosenbrockOptions.scale, in: .above(0), "how steep the valley's walls are")
///   ]
/// }
/// ```
///
/// Numbers, `Bool`, `String`, `[Int]` and other lists, dictionaries of strings (`NAME=VALUE`),
/// `JSONValue`, enumerations with names, and optionals of all these are known; conform a type to
/// `SettingValue` to add one.
public struct Setting<Owner>: Sendable {
  /// The name, as `adjoint_limit`: on the command line, in files, in errors.
  public let name: String
  /// What it means, in a phrase.
  public let summary: String
  /// Other spellings of the name, which are read but not written.
  public let otherNames: [String]
  /// The setting of which this one is a part that can be given by itself.
  public let whole: String?
  /// What it decides.
  public let effect: SettingEffect
  /// Whether it is a flag, given once, or given any number of times.
  public let arity: SettingArity
  /// What stands for its value in help.
  public let placeholder: String
  /// What may be given, in words.
  public let expected: String
  /// All values, if they can be listed.
  public let choices: [String]
  /// The default in words, where the owner's own value does not say it.
  let standard: String?

  let assign: @Sendable (inout Owner, [String]) -> Bool
  let assignJSON: @Sendable (inout Owner, JSONValue) -> Bool
  let text: @Sendable (Owner) -> String
  let json: @Sendable (Owner) -> JSONValue
  let complaint: @Sendable ([String]) -> String?
  let itemName: @Sendable (String) -> String?

  /// A setting of one of the known types or of a type of your own.
  ///
  /// - Parameters:
  ///   - bounds: what its numbers must lie in.
  ///   - count: how many elements a list may have.
  ///   - effect: what it decides.
  ///   - placeholder: what stands for the value in help.
  ///   - standard: the default in words, where the owner's own value does not say it.
  ///   - otherNames: other spellings of the name.
  ///   - whole: the setting of which this one is a part that can be given by itself.
  public init<Value: SettingValue>(
    _ name: String, _ path: any WritableKeyPath<Owner, Value> & Sendable, in bounds: Bounds = .any,
    count: ClosedRange<Int>? = nil, effect: SettingEffect = .numbers, placeholder: String? = nil,
    default standard: String? = nil, otherNames: [String] = [], partOf whole: String? = nil,
    _ summary: String
  ) {
    @Sendable func isValid(_ value: Value) -> Bool {
      guard value.isWithin(bounds) else { return false }
      guard let count, let list = value.settingJSON.array else { return true }
      return count.contains(list.count)
    }
    let number = count.map {
      $0.lowerBound == $0.upperBound
        ? "\($0.lowerBound) of them: "
        : $0.lowerBound == 0
          ? "at most \($0.upperBound) of them: " : "\($0.lowerBound) to \($0.upperBound) of them: "
    }
    self.init(
      name: name, summary: summary, otherNames: otherNames, whole: whole, effect: effect,
      arity: Value.arity,
      placeholder: placeholder ?? Value.placeholder,
      expected: (number ?? "") + Value.expectation(bounds),
      choices: Value.arity == .flag ? ["true", "false"] : [], standard: standard,
      assign: { owner, texts in
        guard let value = Value(settingTexts: texts), isValid(value) else { return false }
        owner[keyPath: path] = value
        return true
      },
      assignJSON: { owner, json in
        guard let value = Value(settingJSON: json), isValid(value) else { return false }
        owner[keyPath: path] = value
        return true
      },
      text: { $0[keyPath: path].settingText }, json: { $0[keyPath: path].settingJSON },
      complaint: { Value.complaint($0) }, itemName: { Value.itemName($0) })
  }

  /// A choice between the cases of an enumeration, by their raw values.
  public init<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Owner, Choice> & Sendable,
    effect: SettingEffect = .numbers, default standard: String? = nil, _ summary: String
  ) {
    self.init(
      choice: Choice.self, name: name, effect: effect, standard: standard, summary: summary,
      isOptional: false, get: { $0[keyPath: path] },
      set: { owner, value in if let value { owner[keyPath: path] = value } })
  }

  /// A choice between the cases of an enumeration, by their raw values, or `none`.
  public init<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any WritableKeyPath<Owner, Choice?> & Sendable,
    effect: SettingEffect = .numbers, default standard: String? = nil, otherNames: [String] = [],
    _ summary: String
  ) {
    self.init(
      choice: Choice.self, name: name, otherNames: otherNames, effect: effect, standard: standard,
      summary: summary, isOptional: true, get: { $0[keyPath: path] },
      set: { $0[keyPath: path] = $1 })
  }

  private init<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    choice: Choice.Type, name: String, otherNames: [String] = [], effect: SettingEffect,
    standard: String?, summary: String, isOptional: Bool,
    get: @escaping @Sendable (Owner) -> Choice?,
    set: @escaping @Sendable (inout Owner, Choice?) -> Void
  ) {
    let names = Choice.allCases.map(\.rawValue)
    @Sendable func assign(_ owner: inout Owner, _ text: String?) -> Bool {
      let value = text.flatMap(Choice.init)
      guard value != nil || isOptional && text == nil else { return false }
      set(&owner, value)
      return true
    }
    self.init(
      name: name, summary: summary, otherNames: otherNames, whole: nil, effect: effect,
      arity: .single,
      placeholder: names.joined(separator: "|"),
      expected: names.count < 3
        ? names.joined(separator: " or ")
        : "\(names.dropLast().joined(separator: ", ")) or \(names.last ?? "")",
      choices: names, standard: standard,
      assign: { owner, texts in
        guard let text = texts.last else { return false }
        return assign(&owner, isOptional && text == "none" ? nil : text)
      },
      assignJSON: { owner, json in
        json == .null ? assign(&owner, nil) : json.string.map { assign(&owner, $0) } ?? false
      },
      text: { get($0)?.rawValue ?? "none" },
      json: { get($0).map { .string($0.rawValue) } ?? .null }, complaint: { _ in nil },
      itemName: { _ in nil })
  }

  private init(
    name: String, summary: String, otherNames: [String], whole: String?, effect: SettingEffect,
    arity: SettingArity, placeholder: String, expected: String, choices: [String],
    standard: String?,
    assign: @escaping @Sendable (inout Owner, [String]) -> Bool,
    assignJSON: @escaping @Sendable (inout Owner, JSONValue) -> Bool,
    text: @escaping @Sendable (Owner) -> String, json: @escaping @Sendable (Owner) -> JSONValue,
    complaint: @escaping @Sendable ([String]) -> String?,
    itemName: @escaping @Sendable (String) -> String?
  ) {
    self.name = name
    self.summary = summary
    self.otherNames = otherNames
    self.whole = whole
    self.effect = effect
    self.arity = arity
    self.placeholder = placeholder
    self.expected = expected
    self.choices = choices
    self.standard = standard
    self.assign = assign
    self.assignJSON = assignJSON
    self.text = text
    self.json = json
    self.complaint = complaint
    self.itemName = itemName
  }

  /// The same setting of something that has the owner as a part.
  public func within<Outer>(
    _ path: any WritableKeyPath<Outer, Owner> & Sendable
  ) -> Setting<Outer> {
    Setting<Outer>(
      name: name, summary: summary, otherNames: otherNames, whole: whole, effect: effect,
      arity: arity, placeholder: placeholder, expected: expected, choices: choices,
      standard: standard,
      assign: { assign(&$0[keyPath: path], $1) },
      assignJSON: { assignJSON(&$0[keyPath: path], $1) },
      text: { text($0[keyPath: path]) }, json: { json($0[keyPath: path]) }, complaint: complaint,
      itemName: itemName)
  }
}
