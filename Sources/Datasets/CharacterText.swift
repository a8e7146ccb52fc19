internal import CEmbeddedText
public import Tensors

/// A text as a sequence of characters, for models that guess the next one.
///
/// A character is a byte: of texts in UTF-8 models learn to spell letters beyond ASCII. The vocabulary
/// are the bytes that occur anywhere in the text, in their order. The last tenth is kept to test.
public struct CharacterText: Sendable {
  /// Where the text came from, for people.
  public let source: String
  /// The bytes that occur; a character is the position of its byte here.
  public let vocabulary: [UInt8]
  /// The split's characters, in order.
  public let characters: [UInt8]

  /// The fewest bytes of a text that can be used.
  public static let minimumCount = 1000

  /// The part of a text that belongs to a split.
  ///
  /// - Throws: `DatasetError.unfitText` for fewer than `minimumCount` bytes, or all of them equal.
  public init(
    _ text: some Collection<UInt8>, source: String, split: DatasetSplit
  ) throws(DatasetError) {
    guard text.count >= Self.minimumCount else {
      throw .unfitText(
        path: source, reason: "it has \(text.count) bytes; use one of \(Self.minimumCount) or more")
    }
    var places = [UInt8?](repeating: nil, count: 256)
    for byte in text { places[Int(byte)] = 0 }
    vocabulary = (0...255).filter { places[Int($0)] != nil }
    guard vocabulary.count > 1 else {
      throw .unfitText(path: source, reason: "all of its bytes are equal")
    }
    for (place, byte) in vocabulary.enumerated() { places[Int(byte)] = UInt8(place) }
    let border = text.count / 10 * 9
    let part = split == .train ? text.prefix(border) : text.dropFirst(border)
    characters = part.map { places[Int($0)] ?? 0 }
    self.source = source
  }

  /// The text inside the program: Shakespeare's "As You Like It" of 1623, 125 kB.
  ///
  /// - Throws: never, unless the program file is damaged.
  public static func embedded(split: DatasetSplit) throws(DatasetError) -> CharacterText {
    let file = cembedded_text()
    return try CharacterText(
      UnsafeBufferPointer(start: file.bytes, count: file.count),
      source: "As You Like It, inside the program (\(split.rawValue))", split: split)
  }

  /// A text of the user's.
  ///
  /// - Throws: `DatasetError.unfitText`, and errors of the system while reading.
  public static func load(_ path: String, split: DatasetSplit) throws(DatasetError) -> CharacterText
  {
    let storage = try ByteStorage(mapping: path)
    return try CharacterText(storage.bytes, source: "\(path) (\(split.rawValue))", split: split)
  }

  /// A hash of the characters and their bytes, to compare between processes.
  public func contentHash() -> UInt64 {
    // FNV-1a.
    (vocabulary + characters).reduce(0xcbf2_9ce4_8422_2325) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
  }

  /// Passages that begin anywhere, drawn uniformly: `length + 1` rows of `count` characters each, the
  /// characters of one place in all passages side by side.
  ///
  /// - Precondition: a length below the number of characters.
  public func draw(count: Int, length: Int, _ stream: inout RandomStream) -> [[Int32]] {
    let all = [Int32](unsafeUninitializedCapacity: (length + 1) * count) { all, written in
      draw(count: count, length: length, &stream, into: all)
      written = (length + 1) * count
    }
    return (0...length).map { Array(all[$0 * count..<($0 + 1) * count]) }
  }

  /// The same rows one after the other in memory that is the caller's.
  package func draw(
    count: Int, length: Int, _ stream: inout RandomStream,
    into rows: UnsafeMutableBufferPointer<Int32>
  ) {
    precondition(length < characters.count, "\(length) of \(characters.count) characters")
    precondition(rows.count >= (length + 1) * count, "no room for \(count) passages")
    for passage in 0..<count {
      let start = stream.nextInteger(below: characters.count - length)
      for place in 0...length {
        rows.initializeElement(at: place * count + passage, to: Int32(characters[start + place]))
      }
    }
  }
}
