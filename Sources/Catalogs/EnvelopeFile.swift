package import Comparison
internal import Settings

/// What is wrong with a file of envelopes.
package struct EnvelopeFileError: Error, Equatable, Sendable {
  /// The place in the file.
  package let place: String
  /// What is wrong there and what is expected.
  package let reason: String
}

/// Envelopes of tasks in the form of google/learned_optimization: an object in which each task's entry
/// is [steps, losses], two lists of numbers of one length.
package enum EnvelopeFile {
  /// Reads a file's text.
  ///
  /// - Throws: `EnvelopeFileError`.
  package static func envelopes(
    parsing text: String
  ) throws(EnvelopeFileError) -> [String: LossCurve] {
    if let name = JSONValue.repeatedName(in: text) {
      throw EnvelopeFileError(place: "the file", reason: "has '\(name)' twice in one object")
    }
    guard let object = JSONValue(parsing: text)?.object, !object.isEmpty else {
      throw EnvelopeFileError(
        place: "the file", reason: "must be a JSON object of tasks, each [steps, losses]")
    }
    var result: [String: LossCurve] = [:]
    for (name, entry) in object.sorted(by: { $0.key < $1.key }) {
      func fault(_ reason: String) -> EnvelopeFileError {
        EnvelopeFileError(place: "'\(name)'", reason: reason)
      }
      let lists = (entry.array ?? []).compactMap { $0.array?.compactMap(\.number) }
      guard lists.count == 2, entry.array?.count == 2, lists[0].count == lists[1].count,
        lists[0].count == entry.array?.first?.array?.count,
        lists[1].count == entry.array?.last?.array?.count, !lists[0].isEmpty
      else { throw fault("must be two lists of as many numbers, steps and losses") }
      guard zip(lists[0], lists[0].dropFirst()).allSatisfy({ $0 < $1 }), lists[0][0] >= 0 else {
        throw fault("has steps that don't rise from 0 or above")
      }
      guard zip(lists[1], lists[1].dropFirst()).allSatisfy({ $0 >= $1 }) else {
        throw fault("has losses that rise; an envelope's never do")
      }
      result[name] = LossCurve(steps: lists[0], losses: lists[1])
    }
    return result
  }

  /// A file's text.
  package static func text(of envelopes: [String: LossCurve]) -> String {
    let entries = envelopes.sorted { $0.key < $1.key }.map { name, curve in
      func list(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
      let pair = JSONValue.array([list(curve.steps), list(curve.losses)])
      return JSONValue.string(name).text + ": " + pair.text
    }
    return "{\n" + entries.joined(separator: ",\n") + "\n}\n"
  }
}
