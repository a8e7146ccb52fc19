/// Which of a problem's parameters a net steps.
public enum ParameterSelection: Sendable, Equatable, ExpressibleByArrayLiteral {
  /// All of them.
  case all
  /// Those with these names.
  case named([String])
  /// Those whose names are the pattern with something in place of its `*`, as
  /// `conv_net_2d/conv_2d_*/w`; a net needs at least one.
  case matching(String)
  /// Those that no other net names or matches.
  case others

  /// The parameters with the names of an array literal.
  public init(arrayLiteral elements: String...) { self = .named(elements) }

  /// What is chosen by name among a problem's parameters; nothing for `others`, which depends on
  /// the other nets.
  func names(among names: [String]) -> [String] {
    switch self {
    case .all: names
    case .named(let chosen): chosen
    case .matching(let pattern): names.filter { Self.matches($0, pattern) }
    case .others: []
    }
  }

  /// The names, or the pattern, that a problem with these parameters has nothing for.
  func unknown(among names: [String]) -> [String] {
    switch self {
    case .named(let chosen): chosen.filter { !names.contains($0) }
    case .matching(let pattern): self.names(among: names).isEmpty ? [pattern] : []
    case .all, .others: []
    }
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    guard let star = pattern.firstIndex(of: "*") else { return name == pattern }
    let (head, tail) = (pattern[..<star], pattern[pattern.index(after: star)...])
    return name.count > head.count + tail.count && name.hasPrefix(head) && name.hasSuffix(tail)
  }
}

extension ParameterSelection: CustomStringConvertible {
  /// The choice in words, as `every other parameter`.
  public var description: String {
    switch self {
    case .all: "every parameter"
    case .named(let names): names.joined(separator: ", ")
    case .matching(let pattern): pattern
    case .others: "every other parameter"
    }
  }
}
