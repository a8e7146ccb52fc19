/// A name that is equal to another only when all of its bytes are.
///
/// Swift's strings are equal when they are canonically equivalent: an e with an accent, and an e
/// followed by a combining accent. The format knows bytes, and both may stand in one file.
struct ExactName: Hashable {
  let text: String

  static func == (a: ExactName, b: ExactName) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
