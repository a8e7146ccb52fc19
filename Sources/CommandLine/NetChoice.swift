import Catalogs
import LearnedOptimizers
import Settings

/// The nets of a problem with the user's options in place of the defaults.
///
/// An option `KEY.NAME`, as `conv.net`, is for the net of that key alone and comes before `NAME`.
func netDescriptions(
  of problem: ProblemEntry, overrides: [String: String], from entries: [OptimizerEntry]
) throws -> [NetDescription] {
  let defaults = problem.nets
  guard !overrides.isEmpty else { return defaults }
  let (common, special) = try split(overrides, keys: defaults.map(\.key), problem: problem.name)
  var unused = Set(common.keys).subtracting(["net"])
  let descriptions = try defaults.map { description in
    let own = special[description.key] ?? [:]
    var changed = description
    if let net = own["net"] ?? common["net"] { changed.net = net }
    let entry = try net(changed.net, among: entries)
    if let name = own.keys.filter({ $0 != "net" && entry.setting(named: $0) == nil }).min() {
      throw unknownOption(name, of: entry)
    }
    unused = unused.filter { entry.setting(named: $0) == nil }
    try changed.take(
      common, but: own, of: entry, after: try net(description.net, among: entries))
    return changed
  }
  // With several nets one that lacks an option (Adam beside an LSTM) does without, but not all can.
  if let name = unused.min() {
    throw unknownOption(name, of: try net(descriptions[0].net, among: entries))
  }
  return descriptions
}

/// The options for all nets, and those for the net of each key.
private func split(
  _ overrides: [String: String], keys: [String], problem: String
) throws -> (common: [String: String], special: [String: [String: String]]) {
  var common: [String: String] = [:]
  var special: [String: [String: String]] = [:]
  for (name, value) in overrides.sorted(by: { $0.key < $1.key }) {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      common[name] = value
      continue
    }
    let key = String(parts[0])
    guard keys.contains(key) else {
      throw Failure(
        .usage,
        "--net_option \(name): problem \(problem) has no net '\(key)'\(suggestion(key, keys))"
      )
    }
    special[key, default: [:]][String(parts[1])] = value
  }
  return (common, special)
}

/// The user's options as the net of a key sees them, in the order of what was given: its own, under the
/// name alone, in place of those for all; those for other nets keep their `KEY.`.
func netOptions(
  _ overrides: [String: String], for key: String
) -> [(given: String, name: String, text: String)] {
  let prefix = "\(key)."
  return overrides.sorted { $0.key < $1.key }.compactMap { given, text in
    guard !given.hasPrefix(prefix) else {
      return (given, String(given.dropFirst(prefix.count)), text)
    }
    return overrides[prefix + given] == nil ? (given, given, text) : nil
  }
}

private func unknownOption(_ name: String, of entry: OptimizerEntry) -> SettingError {
  SettingError(name, in: .net(entry.name), .unknown(valid: entry.options))
}

/// The class of this name; a wrong one is the user's mistake.
func net(_ name: String, among entries: [OptimizerEntry]) throws -> OptimizerEntry {
  do {
    return try entries.entry(named: name)
  } catch {
    throw Failure(.usage, Failure(describing: error).message)
  }
}

extension NetDescription {
  /// Takes those of the options for all nets that the class knows, and its own in place of these.
  fileprivate mutating func take(
    _ common: [String: String], but own: [String: String], of entry: OptimizerEntry,
    after former: OptimizerEntry
  ) throws {
    // The defaults are for their class and for those that know all of its options: the size of an
    // LSTM says nothing about a perceptron's.
    if former.options.contains(where: { entry.setting(named: $0) == nil }) { options = [:] }
    var given = try read(own, of: entry)
    for (name, value) in try read(common, of: entry) where given[name] == nil {
      given[name] = value
    }
    // What a default chose for another value of an option, as k for LogAndSign.
    for name in given.keys {
      for part in entry.parts(of: name) { options[part] = nil }
      if let whole = entry.setting(named: name)?.whole, var parts = options[whole]?.object {
        parts[name] = nil
        options[whole] = .object(parts)
      }
    }
    options.merge(given) { $1 }
  }

  private func read(
    _ given: [String: String], of entry: OptimizerEntry
  ) throws -> [String: JSONValue] {
    var result: [String: JSONValue] = [:]
    for (name, text) in given.sorted(by: { $0.key < $1.key })
    where entry.setting(named: name) != nil {
      let (name, value) = try entry.option(name, reading: text)
      if let other = result.updateValue(value, forKey: name) {
        throw SettingError(name, in: .net(entry.name), .repeated(values: [other.text, value.text]))
      }
    }
    return result
  }
}
