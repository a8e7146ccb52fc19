import ArgumentParser
import Catalogs
import Settings

/// The settings of a command as options of the parser.
///
/// The parser finds options by reflection: it walks the children of a new value's mirror and takes
/// those that are options or flags. So the mirror is made from the declarations.
struct SettingArguments<Owner: Configurable>: ParsableArguments, CustomReflectable {
  /// What was given.
  let given: GivenSettings<Owner>

  init() { given = GivenSettings(in: .commandLine) }

  var customMirror: Mirror {
    Mirror(
      self,
      children: Owner.settings.map { setting in
        (label: setting.name, value: Self.definition(of: setting))
      })
  }

  private static func definition(of setting: Setting<Owner>) -> Any {
    let name = NameSpecification.customLong(setting.name)
    let standard = setting.defaultText
    let note = standard.isEmpty || standard == "none" ? "" : " (default: \(standard))"
    let help = ArgumentHelp(
      "\(setting.summary.prefix(1).uppercased())\(setting.summary.dropFirst()).\(note)",
      valueName: setting.placeholder)
    switch setting.arity {
    case .flag:
      return Flag<Bool?>(name: name, inversion: .prefixedNo, exclusivity: .chooseLast, help: help)
    case .single:
      return ArgumentParser.Option<String?>(
        name: name, parsing: .unconditional, help: help, completion: completion(of: setting))
    case .list:
      return ArgumentParser.Option<[String]>(
        wrappedValue: [], name: name, parsing: .unconditionalSingleValue, help: help,
        completion: completion(of: setting))
    }
  }

  private static func completion(of setting: Setting<Owner>) -> CompletionKind {
    switch setting.placeholder {
    case _ where !setting.choices.isEmpty: .list(setting.choices)
    case "FILE", "PATH": .file()
    case "FOLDER": .directory
    default: .default
    }
  }

  /// A key for every name.
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    var texts: [String: [String]] = [:]
    for setting in Owner.settings {
      let key = Name(stringValue: setting.name)
      let found: [String] =
        switch setting.arity {
        case .flag:
          try container.decode(Flag<Bool?>.self, forKey: key).wrappedValue.map { ["\($0)"] } ?? []
        case .single:
          try container.decode(ArgumentParser.Option<String?>.self, forKey: key).wrappedValue
            .map { [$0] } ?? []
        case .list:
          try container.decode(ArgumentParser.Option<[String]>.self, forKey: key).wrappedValue
        }
      if !found.isEmpty { texts[setting.name] = found }
    }
    given = GivenSettings(texts: texts, in: .commandLine)
  }
}

/// A command whose options are settings, run on a catalog.
protocol SettingsCommand: ParsableCommand {
  associatedtype Owner: Configurable
  /// The parser's options.
  var arguments: SettingArguments<Owner> { get }
  /// The options that may be given without their names, in order.
  static var operands: [String] { get }
  /// Runs with what was given.
  static func run(_ settings: Owner, given: GivenSettings<Owner>, on catalog: Catalog) throws
}

extension SettingsCommand {
  /// None.
  static var operands: [String] { [] }

  /// The options as the words of a command line are read with.
  static var words: [Words.Option] { Owner.settings.map { Words.Option($0.name, $0.arity) } }

  /// The options as a table in Markdown.
  static var table: [String] {
    ["| option | default | meaning |", "|---|---|---|"]
      + Owner.settings.map { setting in
        let value = setting.arity == .flag ? "" : " \(setting.placeholder)"
        let cells = [
          "`--\(setting.name)\(value)`", setting.defaultText, setting.summary,
        ].map { $0.replacing("|", with: "\\|") }
        return "| \(cells.joined(separator: " | ")) |"
      }
  }

  /// Reads the settings and runs.
  func run(on catalog: Catalog) throws {
    try Self.run(try check(), given: arguments.given, on: catalog)
  }

  /// Reads the settings.
  @discardableResult
  func check() throws -> Owner {
    var settings = Owner()
    try arguments.given.apply(to: &settings)
    return settings
  }
}
