// The sentences for errors of settings: what is wrong, where, and what to give instead.

extension SettingError: CustomStringConvertible {
  /// One line with the remedy.
  public var description: String {
    switch fault {
    case .unknown(let valid):
      return valid.isEmpty
        ? "\(owner) takes no options, so not '\(name)'"
        : "\(owner) has no option '\(shown(name))'\(suggestion(name, valid))"
    case .invalid(let value, let expected):
      let value = value.count > 80 ? "\(value.prefix(80))…" : value
      return switch place {
      case .commandLine: "--\(name) must be \(expected), not '\(value)'"
      case .net where !value.isEmpty:
        "option \(name) of \(owner) can't be \(value): give \(expected)"
      default: "option \(name) of \(owner) can't be '\(value)': give \(expected)"
      }
    case .repeated(let values):
      let list = values.map { "'\($0)'" }.joined(separator: " and ")
      return "\(subject) is given twice, as \(list); give it once"
    case .missing:
      return "\(subject) is missing; it was written by another version of the program"
    case .contradiction(let reason):
      return reason
    }
  }

  private var subject: String {
    place == .commandLine ? "--\(name)" : "option \(name) of \(owner)"
  }

  private var owner: String {
    switch place {
    case .commandLine: "the command"
    case .problem(let problem): "problem \(problem)"
    case .net(let net): "net \(net)"
    case .recipe(let recipe): "recipe \(recipe)"
    case .file: "the saved training"
    }
  }

  private func shown(_ name: String) -> String {
    name.count > 80 ? "\(name.prefix(80))…" : name
  }
}

/// "; did you mean ...?" for a near name, else all valid names.
public func suggestion(_ name: String, _ valid: [String]) -> String {
  if let nearest = nearest(to: name, among: valid) {
    return "; did you mean '\(nearest)'? (all: \(valid.joined(separator: ", ")))"
  }
  return "; choose one of \(valid.joined(separator: ", "))"
}

/// The name that was probably meant: few letters apart, or with the given one as a part.
public func nearest(to name: String, among valid: [String]) -> String? {
  // Distances of long texts take long, and no name is like them.
  guard name.utf8.count <= 100 else { return nil }
  let near = valid.map { ($0, distance(name, $0)) }.min { $0.1 < $1.1 }
  if let near, near.1 <= max(2, name.count / 3) { return near.0 }
  guard name.count >= 3 else { return nil }
  return valid.filter { $0.contains(name) }.min { $0.count < $1.count }
}

/// Levenshtein's edit distance, ignoring case.
private func distance(_ a: String, _ b: String) -> Int {
  let a = Array(a.lowercased())
  let b = Array(b.lowercased())
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substitution = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
    }
  }
  return row[b.count]
}
