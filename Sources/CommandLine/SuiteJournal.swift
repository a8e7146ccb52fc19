import Comparison
internal import Essentials
import Files
internal import Platform
import ProcessGroups

/// The units of a suite that are done, a line each: what a killed run goes on from.
///
/// A line is a hash of its JSON, a space, and the JSON. What a kill has left of a last line is cut off;
/// lines before it are on the disk.
final class SuiteJournal {
  static let name = "units.log"

  /// What results in one file have in common, and the hashes of what they were made with.
  struct Plan: Codable, Equatable {
    var program: String
    /// Everything besides tasks and optimizers that decides a number.
    var settings: String
    var tasks: [String: String]
    var optimizers: [String: String]
  }

  private struct Line: Codable {
    var plan: Plan?
    var result: SuiteResult?
  }

  private let path: String
  private let log: LogFile
  /// What was done before.
  let results: [SuiteResult]

  /// Opens the journal of a folder, makes it where it is missing.
  ///
  /// - Throws: `Failure` for a damaged file, or one of other tasks, optimizers or settings.
  init(folder: String, plan: Plan) throws {
    path = "\(folder)/\(Self.name)"
    var results: [SuiteResult] = []
    if let bytes = try Self.contents(of: path) {
      let (lines, length) = try Self.lines(bytes, path)
      var known = plan
      for line in lines {
        if let saved = line.plan { try known.merge(saved, path) }
        if let result = line.result { results.append(result) }
      }
      let others = known.optimizers.keys.filter { plan.optimizers[$0] == nil }.sorted()
      if !others.isEmpty {
        StandardError.notice(
          "results of \(others.joined(separator: ", ")) are kept in '\(path)' but not in the report: name"
            + " them too to have them there")
      }
      if length < bytes.count { try AtomicFile.write(Array(bytes[..<length]), to: path) }
      log = try Self.open(path)
      self.results = results
      // Tasks and optimizers may have come along.
      if lines.last(where: { $0.plan != nil })?.plan != known { try append(Line(plan: known)) }
    } else {
      try AtomicFile.write(try Self.text(Line(plan: plan)), to: path)
      log = try Self.open(path)
      self.results = []
    }
  }

  /// Keeps results.
  ///
  /// - Throws: `FileError` when they can't be written.
  func append(_ results: [SuiteResult]) throws {
    guard !results.isEmpty else { return }
    for result in results { log.append(Array(try Self.text(Line(result: result)).utf8)) }
    try log.flush()
  }

  private func append(_ line: Line) throws {
    log.append(Array(try Self.text(line).utf8))
    try log.flush()
  }

  private static func open(_ path: String) throws -> LogFile {
    // What can't be written is thrown by `flush`.
    try LogFile(path, isNew: false) { _ in }
  }

  // MARK: - Lines

  private static func bytes(of path: String) throws -> [UInt8] {
    try FileReader(path: path).bytes()
  }

  private static func contents(of path: String) throws -> [UInt8]? {
    do {
      return try bytes(of: path)
    } catch FileError.cannotRead(_, _, let code) where code == ENOENT {
      return nil
    }
  }

  private static func text(_ line: Line) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = String(decoding: try encoder.encode(line), as: UTF8.self)
    return "\(ContentHash(json).text) \(json)\n"
  }

  /// The whole lines, and how many bytes they take.
  private static func lines(
    _ bytes: [UInt8], _ path: String
  ) throws -> (lines: [Line], length: Int) {
    var lines: [Line] = []
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let text = String(decoding: bytes[start..<end], as: UTF8.self)
      let hash = text.prefix(16)
      let json = String(text.dropFirst(17))
      guard hash == ContentHash(json).text,
        let line = try? JSONDecoder().decode(Line.self, from: Data(json.utf8))
      else {
        throw Failure(
          .badData,
          "'\(path)' is damaged in line \(lines.count + 1); choose another --output, or cut the file"
            + " off before that line and resume")
      }
      lines.append(line)
      start = end + 1
    }
    guard bytes[start...].isEmpty || mayBeCut(bytes[start...]) else {
      throw Failure(
        .badData,
        "'\(path)' is damaged in line \(lines.count + 1), which is no line of a suite's; choose"
          + " another --output")
    }
    return (lines, start)
  }

  /// Whether what has no line end is what a kill may have left of a line: digits of the hash, a space,
  /// an object.
  private static func mayBeCut(_ rest: ArraySlice<UInt8>) -> Bool {
    zip(0..., rest.prefix(18)).allSatisfy { index, byte in
      index < 16
        ? "0123456789abcdef".utf8.contains(byte) : byte == UInt8(ascii: index == 16 ? " " : "{")
    }
  }
}

extension ContentHash {
  /// The hash in 16 hexadecimal digits.
  var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension SuiteJournal.Plan {
  /// Takes what an earlier run had besides.
  ///
  /// - Throws: `Failure` where both have something of one name that is not the same.
  fileprivate mutating func merge(_ saved: Self, _ path: String) throws {
    func differ(_ what: String) -> Failure {
      Failure(
        .usage,
        "the results in '\(path)' were made with \(what); give the same, or leave out --resume and"
          + " choose another --output")
    }
    guard program == saved.program else {
      throw differ("program version \(saved.program), this is \(program)")
    }
    guard settings == saved.settings else {
      throw differ("\(saved.settings), not with \(settings)")
    }
    for (name, hash) in saved.tasks where tasks[name] ?? hash != hash {
      throw differ("another task '\(name)', or other data for it")
    }
    for (label, hash) in saved.optimizers where optimizers[label] ?? hash != hash {
      throw differ("another optimizer '\(label)'")
    }
    tasks.merge(saved.tasks) { $1 }
    optimizers.merge(saved.optimizers) { $1 }
  }
}
