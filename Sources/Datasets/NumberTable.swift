/// A table of numbers with a class in its last column, from a CSV file.
///
/// Rows end with a line feed, with or without a carriage return before it; fields are separated by
/// commas, may have spaces around them, and may be in double quotes. A first row in which a field other
/// than the last is no number is taken as names. Classes may be any words; they are numbered in the
/// order of their bytes, whole numbers in that of their values. Empty lines are skipped, and so is the
/// mark of byte order with which some programs begin a text.
public struct NumberTable: Sendable {
  /// Where the table came from, for people.
  public let source: String
  /// The numbers of a row without its class.
  public let columnCount: Int
  /// The classes' names.
  public let classes: [String]
  /// The numbers, row after row.
  public let values: [Float]
  /// The class of each row.
  public let labels: [Int32]

  /// The number of rows.
  public var rowCount: Int { labels.count }

  /// Reads a file.
  ///
  /// - Throws: `DatasetError.malformedTable` with row, column and reason, and errors of the system.
  public init(contentsOf path: String) throws(DatasetError) {
    let storage = try ByteStorage(mapping: path)
    try self.init(storage.bytes, source: path)
  }

  /// Reads bytes.
  ///
  /// - Throws: `DatasetError.malformedTable` with row, column and reason.
  public init(_ bytes: some Collection<UInt8>, source: String) throws(DatasetError) {
    func fault(_ row: Int, _ column: Int, _ reason: String) -> DatasetError {
      .malformedTable(path: source, row: row, column: column, reason: reason)
    }
    var values: [Float] = []
    var names: [String] = []
    var width: Int?
    var isFirst = true
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    for (index, line) in bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).enumerated() {
      let row = index + 1
      let fields = try Self.fields(line, row: row, source: source)
      if fields.isEmpty { continue }
      let numbers = fields.dropLast().map(Self.number)
      // Names of columns are no numbers, none of them: a row with a hole is no header.
      let isHeader = isFirst && !numbers.isEmpty && numbers.allSatisfy { $0 == nil }
      isFirst = false
      if let width, fields.count != width {
        throw fault(row, 0, "it has \(fields.count) fields, the rows before \(width)")
      }
      guard fields.count >= 2 else {
        throw fault(row, 0, "it has one field; rows have numbers and, at the end, a class")
      }
      width = fields.count
      if isHeader { continue }
      for (column, number) in numbers.enumerated() {
        guard let number, number.isFinite else {
          throw fault(row, column + 1, "\"\(fields[column])\" is no finite number")
        }
        values.append(number)
      }
      let name = fields[fields.count - 1]
      guard !name.isEmpty else { throw fault(row, fields.count, "the class is missing") }
      names.append(name)
    }
    guard let width, !names.isEmpty else { throw fault(0, 0, "it has no rows of numbers") }
    let distinct = Set(names)
    guard distinct.count >= 2 else {
      throw fault(0, width, "all rows have the class \"\(names[0])\"; two or more are needed")
    }
    guard distinct.count <= 1000 else {
      throw fault(0, width, "\(distinct.count) classes are too many; the last column names them")
    }
    let isNumbered = distinct.allSatisfy { Int($0) != nil }
    classes = distinct.sorted {
      isNumbered ? (Int($0) ?? 0, $0) < (Int($1) ?? 0, $1) : $0 < $1
    }
    let numberOf = Dictionary(
      uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
    labels = names.map { numberOf[$0] ?? 0 }
    self.values = values
    self.source = source
    columnCount = width - 1
  }

  /// A number in decimal digits; more is read by `Float` itself, as what stands before a zero byte.
  private static func number(_ text: String) -> Float? {
    text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) } ? Float(text) : nil
  }

  /// The fields of a line, without spaces and quotes around them; none for an empty line.
  private static func fields(
    _ line: some Collection<UInt8>, row: Int, source: String
  ) throws(DatasetError) -> [String] {
    var fields: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var wasQuoted = false
    func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
    func fault(_ reason: String) -> DatasetError {
      .malformedTable(path: source, row: row, column: fields.count + 1, reason: reason)
    }
    func finished() -> String {
      let text = wasQuoted ? field[...] : field.drop(while: isSpace)
      var end = text.endIndex
      while !wasQuoted, end > text.startIndex, isSpace(text[end - 1]) { end -= 1 }
      return String(decoding: text[..<end], as: UTF8.self)
    }
    for byte in line {
      if isQuoted {
        if byte == UInt8(ascii: "\"") { isQuoted = false } else { field.append(byte) }
      } else if byte == UInt8(ascii: ",") {
        fields.append(finished())
        (field, wasQuoted) = ([], false)
      } else if byte == UInt8(ascii: "\"") {
        // Two quotes in a quoted field stand for one.
        if wasQuoted { field.append(byte) }
        guard wasQuoted || field.allSatisfy(isSpace) else { throw fault("a quote inside a field") }
        if !wasQuoted { field = [] }
        (isQuoted, wasQuoted) = (true, true)
      } else if !(wasQuoted && isSpace(byte)) {
        guard !wasQuoted else { throw fault("something follows the closing quote") }
        field.append(byte)
      }
    }
    guard !isQuoted else { throw fault("a quote is not closed") }
    let last = finished()
    return fields.isEmpty && last.isEmpty ? [] : fields + [last]
  }

  /// A hash of numbers and classes, to compare between processes.
  public func contentHash() -> UInt64 {
    // FNV-1a.
    let words = values.map(\.bitPattern) + labels.map { UInt32(bitPattern: $0) }
    return words.reduce(0xcbf2_9ce4_8422_2325 ^ UInt64(columnCount)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
  }

  /// The table with each column less its mean, over its standard deviation; columns of equal numbers
  /// become zeros.
  public func standardized() -> [Float] {
    var result = values
    for column in 0..<columnCount {
      let places = stride(from: column, to: values.count, by: columnCount)
      let mean = places.reduce(0.0) { $0 + Double(values[$1]) } / Double(rowCount)
      let variance =
        places.reduce(0.0) { $0 + (Double(values[$1]) - mean) * (Double(values[$1]) - mean) }
        / Double(rowCount)
      let scale = variance > 0 ? 1 / variance.squareRoot() : 0
      for place in places { result[place] = Float((Double(values[place]) - mean) * scale) }
    }
    return result
  }
}
