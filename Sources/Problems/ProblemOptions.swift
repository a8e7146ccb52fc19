/// One argument that a problem takes, as the command line's `--problem_option NAME=VALUE`.
public struct OptionSpecification: Sendable {
  /// The name.
  public let name: String
  /// The value used when none is given, as it would be written.
  public let defaultValue: String
  /// What the option means, in a few words.
  public let summary: String

  /// An option with its default.
  public init(_ name: String, default defaultValue: String, _ summary: String) {
    self.name = name
    self.defaultValue = defaultValue
    self.summary = summary
  }
}

/// A problem's options as given by the user, checked against what the problem takes.
public struct ProblemOptions: Sendable {
  private let problem: String
  private let values: [String: String]

  /// Checks names; values are checked when they are read.
  ///
  /// - Throws: `ProblemError.unknownOption`.
  public init(
    problem: String, given: [String: String], specifications: [OptionSpecification]
  ) throws(ProblemError) {
    self.problem = problem
    var values: [String: String] = [:]
    for specification in specifications { values[specification.name] = specification.defaultValue }
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      let name = name.replacing("-", with: "_")
      guard values[name] != nil else {
        throw .unknownOption(
          problem: problem, option: name, valid: specifications.map(\.name))
      }
      values[name] = value
    }
    self.values = values
  }

  private func text(_ name: String) -> String { values[name] ?? "" }

  private func invalid(_ name: String, _ expected: String) -> ProblemError {
    .invalidValue(problem: problem, option: name, value: text(name), expected: expected)
  }

  /// A whole number in the given range.
  public func integer(_ name: String, in range: ClosedRange<Int>) throws(ProblemError) -> Int {
    guard let value = Int(text(name)), range.contains(value) else {
      throw invalid(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// Checks that an option asks for no more than 2^28 elements, 1 GiB.
  public func limit(_ name: String, elements: Int) throws(ProblemError) {
    guard elements <= 1 << 28 else {
      throw invalid(name, "less: this makes \(elements) numbers, over \(1 << 28)")
    }
  }

  /// A finite number that is not negative.
  public func number(_ name: String) throws(ProblemError) -> Float {
    guard let value = Float(text(name)), value.isFinite, value >= 0 else {
      throw invalid(name, "a number that is not negative")
    }
    return value
  }

  /// `true` or `false`.
  public func flag(_ name: String) throws(ProblemError) -> Bool {
    switch text(name).lowercased() {
    case "true": return true
    case "false": return false
    default: throw invalid(name, "true or false")
    }
  }

  /// Layer sizes separated by commas, in parentheses or not, one comma more at the end or not.
  ///
  /// Nothing or `()` stands for no layers.
  public func sizes(_ name: String) throws(ProblemError) -> [Int] {
    let expected = "sizes from 1 to 65536 separated by commas, as 20,20"
    var inner = text(name)[...]
    if inner.hasPrefix("(") {
      guard inner.hasSuffix(")") else { throw invalid(name, expected) }
      inner = inner.dropFirst().dropLast()
    }
    var parts = inner.split(separator: ",", omittingEmptySubsequences: false)
    if parts.last?.allSatisfy({ $0 == " " }) ?? false { parts.removeLast() }
    var sizes: [Int] = []
    for part in parts {
      let words = part.split(separator: " ")
      guard words.count == 1, let size = Int(words[0]), (1...65_536).contains(size) else {
        throw invalid(name, expected)
      }
      sizes.append(size)
    }
    return sizes
  }

  /// One of an enumeration's names.
  public func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, of type: Choice.Type
  ) throws(ProblemError) -> Choice {
    guard let value = Choice(rawValue: text(name)) else {
      throw invalid(name, "one of \(type.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }
}
