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
    let changed = try applying(common.merging(own) { $1 }, to: description, from: entries)
    let valid = try optionNames(ofNet: changed.net, from: entries)
    unused.subtract(valid)
    if let name = Set(own.keys).subtracting(valid).subtracting(["net"]).min() {
      throw try unknownOption(name, ofNet: changed.net, from: entries)
    }
    return changed
  }
  // With several nets one that lacks an option (Adam beside an LSTM) does without, but not all can.
  if let name = unused.min() {
    throw try unknownOption(name, ofNet: descriptions[0].net, from: entries)
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

private func unknownOption(
  _ name: String, ofNet net: String, from entries: [OptimizerEntry]
) throws -> OptimizerError {
  .unknownOption(net: net, option: name, valid: try entries.entry(named: net).options)
}

/// A net with those of the options that its class knows.
private func applying(
  _ overrides: [String: String], to description: NetDescription, from entries: [OptimizerEntry]
) throws -> NetDescription {
  var description = description
  if let net = overrides["net"] { description.net = net }
  let valid = try optionNames(ofNet: description.net, from: entries)
  // Of the defaults another class keeps what it knows too.
  description.options = description.options.filter { valid.contains($0.key) }
  for (name, text) in overrides where valid.contains(name) {
    description.options[name] = optionValue(
      text, isList: ["layers", "kernel_shape"].contains(name))
  }
  if overrides["preprocess"] != nil || overrides["preprocess_name"] != nil {
    if let name = description.options.removeValue(forKey: "preprocess") {
      description.options["preprocess_name"] = name
    }
    // The default's arguments are for the default's preprocessing.
    if overrides["preprocess_options"] == nil { description.options["preprocess_options"] = nil }
  }
  return description
}

/// The names of the options that a class takes, with their other spellings.
func optionNames(
  ofNet net: String, from entries: [OptimizerEntry]
) throws -> Set<String> {
  do {
    let names = try entries.entry(named: net).options
    return Set(
      names.contains("preprocess_name") ? names + ["preprocess", "k", "min", "max"] : names)
  } catch {
    throw Failure(.usage, Failure(describing: error).message)
  }
}

/// A net option's value as the user wrote it: JSON, a list of numbers, or a word.
func optionValue(_ text: String, isList: Bool) -> JSONValue {
  if isList {
    let inner = text.filter { !"[]() ".contains($0) }
    return .array(
      inner.split(separator: ",").map { Double($0).map(JSONValue.number) ?? .string(String($0)) })
  }
  return JSONValue(parsing: text) ?? .string(text)
}
