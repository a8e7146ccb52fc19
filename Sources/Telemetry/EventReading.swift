internal import Files

/// What a training that goes on needs to know of the event files that are there.
package enum EventReading {
  /// Whether files tell of the evaluation after an epoch: a kill can come between telling of it and the
  /// state that has it.
  ///
  /// - Parameter paths: event files in the order in which they were opened. What can't be read says
  ///   nothing.
  package static func tellsEvaluation(after epoch: Int, in paths: [String]) -> Bool {
    let tag = Array("loss/evaluation".utf8)
    var tells = false
    for path in paths {
      guard let bytes = try? FileReader(path: path).bytes() else { continue }
      for record in records(in: bytes) {
        let step = step(of: record)
        // The start of a later run drops what stands at its step and beyond.
        if record.suffix(4) == [0x3A, 0x02, 0x08, 0x01] {
          if step <= UInt64(epoch) { tells = false }
        } else if step == UInt64(epoch), contains(record, tag) {
          tells = true
        }
      }
    }
    return tells
  }

  /// The payloads of the records, up to the first that is not whole.
  private static func records(in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var result: [ArraySlice<UInt8>] = []
    var position = 0
    while bytes.count - position >= 16 {
      let length = (0..<8).reduce(UInt64(0)) {
        $0 | UInt64(bytes[position + $1]) << (8 * UInt64($1))
      }
      guard length <= UInt64(bytes.count - position - 16) else { break }
      result.append(bytes[position + 12..<position + 12 + Int(length)])
      position += 16 + Int(length)
    }
    return result
  }

  /// An event's step: field 2 behind the time, field 1; 0 where there is none.
  private static func step(of record: ArraySlice<UInt8>) -> UInt64 {
    var rest = record.first == 0x09 ? record.dropFirst(9) : record
    guard rest.popFirst() == 0x10 else { return 0 }
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { break }
    }
    return value
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ part: [UInt8]) -> Bool {
    guard bytes.count >= part.count else { return false }
    return (bytes.startIndex...bytes.endIndex - part.count).contains {
      bytes[$0..<$0 + part.count].elementsEqual(part)
    }
  }
}
