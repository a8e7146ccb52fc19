internal import Problems
internal import Settings

extension ProblemEntry {
  /// Several problems together: optimizees are dealt to them evenly, and one net steps them all.
  ///
  /// Options are named `PROBLEM.NAME`; `NAME` alone is for every problem that has it. The net is the
  /// first problem's that steps every parameter by itself, else an LSTM.
  ///
  /// - Precondition: two problems at least.
  public init(together entries: [ProblemEntry]) {
    precondition(entries.count > 1, "\(entries.count) problems together")
    let name = entries.map(\.name).joined(separator: ",")
    self.init(
      name: name, summary: entries.map(\.summary).joined(separator: "; "),
      nets: entries.map(\.nets).first { $0.count == 1 } ?? [.lstm],
      options: entries.flatMap { entry in
        entry.options.map { ("\(entry.name).\($0.name)", $0.standard, $0.expected, $0.summary) }
      }
    ) { given, data in
      let known = entries.flatMap { entry in
        entry.options.flatMap { ["\(entry.name).\($0.name)", $0.name] }
      }
      if let stranger = given.keys.sorted().first(where: { !known.contains($0) }) {
        throw SettingError(
          stranger, in: .problem(name), .unknown(valid: known.filter { $0.contains(".") }))
      }
      return try BuiltProblem(
        together: entries.map { ($0.name, try $0.make(options: $0.share(of: given), data: data)) })
    }
  }

  /// What is meant for this problem: what is said of it goes before what is said of all.
  private func share(of given: [String: String]) -> [String: String] {
    var share: [String: String] = [:]
    for option in options {
      share[option.name] = given["\(name).\(option.name)"] ?? given[option.name]
    }
    return share
  }
}
