public import Settings

/// A class of optimizers that can be made by name: how saved optimizers and options become rules.
///
/// ```swift
/// struct TrustSettings: Configurable {
///   var decay: Float = 0.9
///   static let settings = [
///     Setting("decay", \TrustSettings.decay, in: .atLeast(0, below: 1), "the momentum's decay")
///   ]
/// }
/// OptimizerEntry(Trust.name, "momentum as long as the tensor") { (settings: TrustSettings) in
///   Trust(settings)
/// }
/// ```
///
/// From the one declaration of an option follow `--net_option`, the saved form, the checks, `l2l list`
/// and the errors. A rule's own `options` are `settings.json`.
public struct OptimizerEntry: Sendable {
  /// The class's name.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// What can be chosen, in the order in which it is listed.
  public let settings: [SettingSummary]
  private let build: @Sendable ([String: JSONValue]) throws(SettingError) -> any LearnedOptimizer
  private let read: @Sendable (String, String) throws(SettingError) -> (String, JSONValue)

  /// A class whose rules `build` makes from options that were checked.
  public init<Options: Configurable>(
    _ name: String, _ summary: String,
    build: @escaping @Sendable (Options) -> any LearnedOptimizer
  ) {
    self.name = name
    self.summary = summary
    settings = Options.settings.map { SettingSummary($0) }
    let place = SettingPlace.net(name)
    self.build = { given throws(SettingError) in
      var options = Options()
      try options.take(given, in: place)
      return build(options)
    }
    read = { name, text throws(SettingError) in
      try Options.json(of: name, reading: text, in: place)
    }
  }

  /// The names of its options.
  public var options: [String] { settings.map(\.name) }

  /// The option of this name, or of this other spelling of it; nil when there is none.
  public func setting(named name: String) -> SettingSummary? {
    settings.first { $0.name == name || $0.otherNames.contains(name) }
  }

  /// The rule with the given options, others at their defaults.
  ///
  /// - Throws: `OptimizerError.option`.
  public func make(options given: [String: JSONValue]) throws(OptimizerError)
    -> any LearnedOptimizer
  {
    do throws(SettingError) {
      return try build(given)
    } catch {
      throw .option(error)
    }
  }

  /// An option as it was given on a command line, in the form of files and under its own name.
  ///
  /// - Throws: `OptimizerError.option` for an unknown name, and a text that can't be read or is out of
  ///   range.
  public func option(
    _ name: String, reading text: String
  ) throws(OptimizerError) -> (name: String, value: JSONValue) {
    do throws(SettingError) {
      return try read(name, text)
    } catch {
      throw .option(error)
    }
  }

  /// The name under which an option is saved: its own, or that of what it is a part of.
  public func savedName(of name: String) -> String {
    guard let setting = setting(named: name) else { return name }
    guard !setting.isSaved, let whole = setting.whole else { return setting.name }
    return savedName(of: whole)
  }

  /// The options that are parts of one, and parts of these: what was chosen for another value of it.
  public func parts(of name: String) -> [String] {
    settings.filter { $0.whole == name }.flatMap { [$0.name] + parts(of: $0.name) }
  }
}

extension Collection<OptimizerEntry> {
  /// The class of this name.
  ///
  /// - Throws: `OptimizerError.unknownNet`.
  public func entry(named name: String) throws(OptimizerError) -> OptimizerEntry {
    guard let entry = first(where: { $0.name == name }) else {
      throw .unknownNet(name, valid: map(\.name))
    }
    return entry
  }
}
