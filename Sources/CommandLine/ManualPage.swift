import ArgumentParser
import Settings

/// A page of the manual in roff, made from what a command declares of itself.
struct ManualPage {
  /// The page's name, as `l2l-train`.
  let name: String
  private let summary: String
  private let usage: String
  private let discussion: String
  private let options: [(name: String, text: String)]
  private let related: [String]

  /// The page of a command.
  init(_ command: any SettingsCommand.Type, related: [String]) {
    let configuration = command.configuration
    name = "l2l-\(configuration.commandName ?? "")"
    summary = configuration.abstract
    usage = configuration.usage ?? "l2l \(configuration.commandName ?? "") [OPTION ...]"
    discussion = configuration.discussion
    options = command.manual
    self.related = related.filter { [name] in $0 != name }
  }

  /// The page of the program.
  init(of root: CommandConfiguration, commands: [any SettingsCommand.Type]) {
    name = "l2l"
    summary = root.abstract
    usage = "l2l COMMAND [OPTION ...]"
    discussion =
      root.discussion + "\n\n"
      + commands.map { "\($0.configuration.commandName ?? ""): \($0.configuration.abstract)" }
      .joined(separator: "\n\n")
    options = []
    related = commands.map { "l2l-\($0.configuration.commandName ?? "")" }
  }

  /// The page's lines.
  var lines: [String] {
    var lines = [
      ".TH \(Self.quoted(name.uppercased())) 1 \"\" \(Self.quoted("l2l \(programVersion)"))",
      ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(phrase))", ".SH SYNOPSIS",
      ".B \(Self.escaped(usage))", ".SH DESCRIPTION",
    ]
    for (index, paragraph) in discussion.split(separator: "\n\n").enumerated() {
      if index > 0 { lines.append(".PP") }
      lines += paragraph.split(separator: "\n").map { Self.escaped(String($0)) }
    }
    if !options.isEmpty { lines.append(".SH OPTIONS") }
    for option in options {
      lines += [".TP", ".B \(Self.escaped(option.name))", Self.escaped(option.text)]
    }
    lines += [
      ".SH EXIT STATUS",
      "0 done; 64 wrong usage; 65 bad data; 66 missing file; 70 a fault in the program; 73 cannot"
        + " write; 75 stopped, state saved; 76 stopped, nothing newly saved.",
      ".SH SEE ALSO", related.map { ".BR \(Self.escaped($0)) (1)" }.joined(separator: ",\n"),
    ]
    return lines.flatMap { $0.split(separator: "\n").map(String.init) }
  }

  private var phrase: String {
    let text = summary.hasSuffix(".") ? String(summary.dropLast()) : summary
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  private static func quoted(_ text: String) -> String {
    "\"\(escaped(text).replacing("\"", with: "\\(dq"))\""
  }

  /// Text in which roff sees no commands.
  private static func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&\(plain)" : plain
  }
}

extension SettingsCommand {
  /// Each option with its value and what it means.
  fileprivate static var manual: [(name: String, text: String)] {
    Owner.settings.map { setting in
      let value = setting.arity == .flag ? "" : " \(setting.placeholder)"
      let standard = setting.defaultText
      let text = setting.summary.prefix(1).uppercased() + setting.summary.dropFirst() + "."
      return (
        "--\(setting.name)\(value)",
        standard.isEmpty || standard == "none" ? text : "\(text) Default: \(standard)."
      )
    }
  }
}

extension Program {
  /// The lines of the page of a command, or of the program.
  static func manual(of name: String) throws -> [String] {
    guard name != "l2l" else { return ManualPage(of: Root.configuration, commands: commands).lines }
    return ManualPage(
      try command(named: name),
      related: ["l2l"] + commands.map { "l2l-\($0.configuration.commandName ?? "")" }
    ).lines
  }
}
