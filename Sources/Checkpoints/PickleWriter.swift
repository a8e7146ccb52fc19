internal import Safetensors

/// Writes a pickle of dictionaries and NumPy arrays that Python 2 and 3 read, with any NumPy.
///
/// Protocol 2, as Python 2 has no later one. Bytes are written as a Latin-1 text that `_codecs.encode`
/// turns into bytes, as Python 3 does for Python 2.
enum PickleWriter {
  static func bytes(_ node: CheckpointNode) -> [UInt8] {
    [0x80, 2] + value(node) + [UInt8(ascii: ".")]
  }

  private static func value(_ node: CheckpointNode) -> [UInt8] {
    switch node {
    case .map(let members):
      let items = members.flatMap { text($0.key) + value($0.value) }
      return [UInt8(ascii: "}"), UInt8(ascii: "(")] + items + [UInt8(ascii: "u")]
    case .array(let array): return self.array(array)
    case .other: return [UInt8(ascii: "N")]
    }
  }

  private static func global(_ module: String, _ name: String) -> [UInt8] {
    [UInt8(ascii: "c")] + Array("\(module)\n\(name)\n".utf8)
  }

  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [UInt8(ascii: "X")] + littleEndian(bytes.count) + bytes
  }

  private static func littleEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func integer(_ value: Int) -> [UInt8] { [UInt8(ascii: "J")] + littleEndian(value) }

  private static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    let latin = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    return global("_codecs", "encode") + text(latin) + text("latin1") + [0x86, UInt8(ascii: "R")]
  }

  /// `_reconstruct(ndarray, (0,), b"b")`, then its state.
  private static func array(_ array: SafetensorsArray) -> [UInt8] {
    let floats = (try? array.floats()) ?? []
    let content = SafetensorsArray(floats: floats, shape: array.shape)
    let false1 = UInt8(0x89)
    let elementType =
      global("numpy", "dtype") + text("f4") + [false1, 0x88, 0x87, UInt8(ascii: "R")]
      + [UInt8(ascii: "(")] + integer(3) + text("<")
      + [UInt8](repeating: UInt8(ascii: "N"), count: 3)
      + integer(-1) + integer(-1) + integer(0) + [UInt8(ascii: "t"), UInt8(ascii: "b")]
    let shape =
      [UInt8(ascii: "(")] + content.shape.flatMap { integer($0) } + [UInt8(ascii: "t")]
    return global("numpy.core.multiarray", "_reconstruct")
      + global("numpy", "ndarray") + integer(0) + [0x85] + encoded([UInt8(ascii: "b")])
      + [0x87, UInt8(ascii: "R"), UInt8(ascii: "(")] + integer(1) + shape + elementType + [false1]
      + encoded(content.bytes) + [UInt8(ascii: "t"), UInt8(ascii: "b")]
  }
}
