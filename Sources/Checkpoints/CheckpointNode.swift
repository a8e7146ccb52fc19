package import Safetensors

/// What stands in a checkpoint: maps within maps, and arrays.
package indirect enum CheckpointNode: Equatable, Sendable {
  /// Members in the file's order.
  case map([(key: String, value: CheckpointNode)])
  /// Numbers.
  case array(SafetensorsArray)
  /// Anything else, of which only the kind is kept.
  case other(String)

  /// The same members in the same order.
  package static func == (a: CheckpointNode, b: CheckpointNode) -> Bool {
    switch (a, b) {
    case (.map(let a), .map(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    case (.array(let a), .array(let b)): a == b
    case (.other(let a), .other(let b)): a == b
    default: false
    }
  }

  /// The arrays by path, as `ff_mod_stack/~/b0`, and the paths of what is no array.
  var leaves: (arrays: [(path: String, array: SafetensorsArray)], others: [String]) {
    var arrays: [(path: String, array: SafetensorsArray)] = []
    var others: [String] = []
    func walk(_ node: CheckpointNode, _ path: String) {
      switch node {
      case .map(let members):
        for member in members {
          walk(member.value, path.isEmpty ? member.key : "\(path)/\(member.key)")
        }
      case .array(let array): arrays.append((path, array))
      case .other(let kind): others.append(path.isEmpty ? kind : path)
      }
    }
    walk(self, "")
    return (arrays, others)
  }

  /// Maps for paths of keys; those that begin alike share maps.
  init(paths: [(keys: [String], array: SafetensorsArray)]) {
    var members: [(key: String, value: CheckpointNode)] = []
    var seen: Set<String> = []
    for (keys, array) in paths {
      guard let key = keys.first, seen.insert(key).inserted else { continue }
      if keys.count == 1 {
        members.append((key, .array(array)))
      } else {
        let within = paths.filter { $0.keys.first == key }
          .map { (keys: Array($0.keys.dropFirst()), array: $0.array) }
        members.append((key, CheckpointNode(paths: within)))
      }
    }
    self = .map(members)
  }
}

/// Limits that keep hostile files small.
enum CheckpointLimits {
  static let depth = 32
  static let values = 100_000
}

/// Makes arrays of what files say of them.
enum CheckpointArrays {
  /// NumPy's names of element types that weights may have.
  static func type(named name: String) -> SafetensorsType? {
    switch name {
    case "float32", "f4": .float32
    case "float64", "f8": .float64
    case "float16", "f2": .float16
    case "bfloat16": .bfloat16
    case "int32", "i4": .int32
    case "int64", "i8": .int64
    case "uint32", "u4": .uint32
    case "bool", "b1": .bool
    case "int8", "i1": .int8
    case "uint8", "u1": .uint8
    default: nil
    }
  }

  /// An array of bytes in this order.
  ///
  /// - Throws: `CheckpointError.Reason.badArray`.
  static func make(
    type: SafetensorsType, shape: [Int], bytes: [UInt8], isBigEndian: Bool = false,
    isFortran: Bool = false
  ) throws(Fault) -> SafetensorsArray {
    guard shape.count <= 8, shape.allSatisfy({ $0 >= 0 }) else {
      throw Fault(.badArray("it has too many or negative axes"))
    }
    var count = 1
    for length in shape {
      // An empty axis makes no room for the others: they are multiplied as if it were 1.
      let (product, overflow) = count.multipliedReportingOverflow(by: max(length, 1))
      guard !overflow, product <= 1 << 40 else { throw Fault(.badArray("it is too large")) }
      count = product
    }
    if shape.contains(0) { count = 0 }
    guard count * type.byteCount == bytes.count else {
      throw Fault(.badArray("\(bytes.count) bytes don't fill the shape \(shape)"))
    }
    var bytes = bytes
    let width = type.byteCount
    if isBigEndian, width > 1 {
      for start in stride(from: 0, to: bytes.count, by: width) {
        bytes[start..<start + width].reverse()
      }
    }
    if isFortran, shape.count > 1, count > 0 { bytes = rowMajor(bytes, shape, width) }
    return SafetensorsArray(type: type, shape: shape, bytes: bytes)
  }

  /// Column-major elements in row-major order.
  private static func rowMajor(_ bytes: [UInt8], _ shape: [Int], _ width: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = shape.map { _ in 0 }
    for _ in 0..<bytes.count / width {
      var place = 0
      for axis in shape.indices.reversed() { place = place * shape[axis] + index[axis] }
      result += bytes[place * width..<(place + 1) * width]
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
    return result
  }

  /// A reason without a place, which who reads knows.
  struct Fault: Error {
    let reason: CheckpointError.Reason
    init(_ reason: CheckpointError.Reason) { self.reason = reason }
  }
}
