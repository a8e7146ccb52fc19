import Settings

/// The words of a command line in the one form that the parser is given.
///
/// Long options may be spelled with `-` or `_`, take their value after `=` or as the next word, even
/// one that starts with `-`, and flags may have one. What can't be an option is said here, where the
/// command and all its names are known.
enum Words {
  /// What has to be known of an option.
  struct Option {
    let name: String
    let arity: SettingArity

    init(_ name: String, _ arity: SettingArity) {
      self.name = name
      self.arity = arity
    }
  }

  /// The parser's own options, which stay as they are.
  private static let own: Set<String> = [
    "--help", "-h", "--help-hidden", "-help", "--version", "--experimental-dump-help",
  ]

  /// The words for the parser.
  ///
  /// - Parameter commands: the options of each command, and those among them that words without a name
  ///   are for, in order.
  /// - Throws: `Failure` for what is no command and no option, for an option without its value and
  ///   for one that is repeated.
  static func normalized(
    _ words: [String], commands: [(name: String, options: [Option], operands: [String])]
  ) throws -> [String] {
    guard let first = words.first, !isOwn(first), first != "help" else {
      return try checkedHelp(words, commands.map(\.name))
    }
    guard let command = commands.first(where: { $0.name == first }) else {
      throw Failure(.usage, wrongCommand(first, words, commands.map(\.name)))
    }
    var reader = Reader(
      command: command.name, options: command.options, operands: command.operands[...],
      rest: words.dropFirst())
    return [first] + (try reader.read())
  }

  private static func isOwn(_ word: String) -> Bool {
    own.contains(word) || word.hasPrefix("--generate-completion-script")
      || word.hasPrefix("---completion")
  }

  private static func checkedHelp(_ words: [String], _ commands: [String]) throws -> [String] {
    if words.first == "help", words.count > 1, !isOwn(words[1]), words[1] != "help",
      !commands.contains(words[1])
    {
      throw Failure(.usage, "there is no command '\(words[1])'\(suggestion(words[1], commands))")
    }
    return words
  }

  private static func wrongCommand(
    _ word: String, _ words: [String], _ commands: [String]
  ) -> String {
    guard word.hasPrefix("-") else {
      return "there is no command '\(word)'\(suggestion(word, commands))"
    }
    let command = words.first { commands.contains($0) } ?? "train"
    return "'\(word)' comes before the command: write l2l \(command) \(word) ...; commands are"
      + " \(commands.joined(separator: ", "))"
  }

  // MARK: - Options of one command

  private struct Reader {
    let command: String
    let options: [Option]
    var operands: ArraySlice<String>
    var rest: ArraySlice<String>
    private var seen: [String: String] = [:]
    private var result: [String] = []

    init(
      command: String, options: [Option], operands: ArraySlice<String>, rest: ArraySlice<String>
    ) {
      self.command = command
      self.options = options
      self.operands = operands
      self.rest = rest
    }

    mutating func read() throws -> [String] {
      while let word = rest.popFirst() {
        if Words.isOwn(word) {
          result.append(word)
          if word == "--generate-completion-script", let shell = rest.popFirst() {
            result.append(shell)
          }
          continue
        }
        if !word.utf8.starts(with: "-".utf8), let operand = operands.popFirst() {
          try readValue(operand, word, repeats: false)
          continue
        }
        guard word.utf8.starts(with: "--".utf8), word.utf8.count > 2 else {
          throw failure(
            "'\(word)' is no option of l2l \(command): options start with --, as --seed=1;")
        }
        try read(word)
      }
      return result
    }

    private mutating func read(_ word: String) throws {
      let bytes = word.utf8.dropFirst(2)
      let end = bytes.firstIndex(of: UInt8(ascii: "=")) ?? bytes.endIndex
      let name = String(decoding: bytes[..<end], as: UTF8.self).replacing("-", with: "_")
      let value =
        end == bytes.endIndex
        ? nil : String(decoding: bytes[bytes.index(after: end)...], as: UTF8.self)
      if let option = options.first(where: { $0.name == name }) {
        try option.arity == .flag
          ? readFlag(name, value) : readValue(name, value, repeats: option.arity == .list)
      } else if let option = options.first(where: { $0.arity == .flag && "no_\($0.name)" == name }),
        value == nil
      {
        try emit(option.name, "false")
      } else {
        let near = nearest(to: name, among: options.map(\.name))
          .map { "; did you mean '--\($0)'?" }
        throw failure("l2l \(command) has no option '--\(name)'\(near ?? ";")")
      }
    }

    private mutating func readFlag(_ name: String, _ given: String?) throws {
      var value = given
      if value == nil, let next = rest.first, ["true", "false"].contains(next.lowercased()) {
        value = rest.popFirst()
      }
      switch (value ?? "true").lowercased() {
      case "true", "1", "yes": try emit(name, "true")
      case "false", "0", "no": try emit(name, "false")
      default:
        throw Failure(.usage, "--\(name) takes true or false, not '\(value ?? "")'")
      }
    }

    private mutating func readValue(_ name: String, _ given: String?, repeats: Bool) throws {
      var value = given
      if value == nil, let next = rest.first, !isOption(next) { value = rest.popFirst() }
      // Where an empty text has a meaning it is given as a word of its own.
      guard let value, repeats || given != "" else {
        throw failure("--\(name) needs a value, as --\(name)=VALUE;")
      }
      if !repeats { try note(name, value) }
      result += ["--\(name)", value]
    }

    /// Whether a word is one of the command's options, and so no value of the one before.
    private func isOption(_ word: String) -> Bool {
      guard word.utf8.starts(with: "--".utf8) else { return false }
      let bytes = word.utf8.dropFirst(2).prefix { $0 != UInt8(ascii: "=") }
      let name = String(decoding: bytes, as: UTF8.self).replacing("-", with: "_")
      return Words.isOwn(word) || options.contains { $0.name == name || "no_\($0.name)" == name }
    }

    private mutating func emit(_ flag: String, _ value: String) throws {
      try note(flag, value)
      // The parser's own form of the opposite.
      let opposite = flag.contains("_") ? "--no_\(flag)" : "--no-\(flag)"
      result.append(value == "true" ? "--\(flag)" : opposite)
    }

    private mutating func note(_ name: String, _ value: String) throws {
      guard let first = seen.updateValue(value, forKey: name) else { return }
      throw SettingError(name, in: .commandLine, .repeated(values: [first, value]))
    }

    private func failure(_ sentence: String) -> Failure {
      Failure(.usage, "\(sentence) see `l2l help \(command)`")
    }
  }
}
