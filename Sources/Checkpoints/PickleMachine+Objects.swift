internal import Safetensors

// What the allowed names make, and what the whole pickle comes to.

extension PickleMachine {
  /// The most bytes that a pickle may make besides those of the file.
  private static var mostMade: Int { 64 << 20 }

  /// What a call of an allowed name comes to.
  mutating func make(
    _ callable: PickleValue, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    guard case .global(let global) = callable else { throw failure(.badStack) }
    switch global {
    case .dictionary, .defaultDictionary, .orderedDictionary: return try dictionary(arguments)
    case .list: return newList([])
    case .reconstruct, .arrayClass: return .array(PickleArray())
    case .elementType:
      guard let name = arguments.first?.text, let type = elementType(named: name) else {
        throw failure(.badArray("its elements are of an unknown type"))
      }
      return .elementType(type)
    case .encode:
      guard let bytes = arguments.first?.bytes else { throw failure(.badText) }
      try count(bytes.count)
      return .bytes(bytes)
    case .byteArray:
      guard let bytes = arguments.first.map({ $0.bytes }) ?? [] else { throw failure(.badText) }
      try count(bytes.count)
      return .bytes(bytes)
    case .loadType:
      switch arguments.first?.text {
      case "dict", "DictType": return .global(.dictionary)
      case "list", "ListType": return .global(.list)
      case let name: throw failure(.forbidden(name: "dill._load_type(\(name ?? ""))"))
      }
    case .createArray:
      guard arguments.count >= 3, case .global(.reconstruct) = arguments[0] else {
        throw failure(.badStack)
      }
      let array = PickleValue.array(PickleArray())
      try build(array, arguments[2])
      return array
    case .scalar:
      guard arguments.count == 2, case .elementType(let type) = arguments[0],
        let bytes = arguments[1].bytes
      else { throw failure(.badStack) }
      return .array(try array(type, shape: [], bytes: bytes, isFortran: false))
    case .frombuffer:
      guard arguments.count == 4, let bytes = arguments[0].bytes,
        case .elementType(let type) = arguments[1], let shape = arguments[2].tuple,
        let order = arguments[3].text
      else { throw failure(.badStack) }
      return .array(
        try array(type, shape: try extents(shape), bytes: bytes, isFortran: order == "F"))
    }
  }

  /// Counts bytes that are made, not read.
  private mutating func count(_ bytes: Int) throws(CheckpointError) {
    made += bytes
    guard made <= Self.mostMade else { throw failure(.badArray("it is too large")) }
  }

  private mutating func dictionary(_ arguments: [PickleValue]) throws(CheckpointError)
    -> PickleValue
  {
    let result = newMap()
    guard case .map(let map) = result else { return result }
    // A defaultdict's first argument is what it makes of new keys; an OrderedDict's, its pairs.
    if case .list(let pairs)? = arguments.first {
      for pair in pairs.values {
        let values: [PickleValue]
        switch pair {
        case .tuple(let tuple): values = tuple
        case .list(let list): values = list.values
        default: throw failure(.badStack)
        }
        guard values.count == 2, let key = values[0].text else { throw failure(.badKey) }
        map.set(key, values[1])
      }
    }
    return result
  }

  private func elementType(named name: String) -> PickleElementType? {
    var name = Substring(name)
    var isBigEndian = false
    if let first = name.first, "<>|=".contains(first) {
      isBigEndian = first == ">"
      name = name.dropFirst()
    }
    guard let type = CheckpointArrays.type(named: String(name)) else { return nil }
    let result = PickleElementType(type)
    result.isBigEndian = isBigEndian
    return result
  }

  private func extents(_ values: [PickleValue]) throws(CheckpointError) -> [Int] {
    var shape: [Int] = []
    for value in values {
      guard let extent = value.integer else { throw failure(.badArray("it has no shape")) }
      shape.append(extent)
    }
    return shape
  }

  private mutating func array(
    _ type: PickleElementType, shape: [Int], bytes: [UInt8], isFortran: Bool
  ) throws(CheckpointError) -> PickleArray {
    try count(bytes.count)
    let result = PickleArray()
    do throws(CheckpointArrays.Fault) {
      result.content = try CheckpointArrays.make(
        type: type.type, shape: shape, bytes: bytes, isBigEndian: type.isBigEndian,
        isFortran: isFortran)
    } catch {
      throw failure(error.reason)
    }
    return result
  }

  /// Gives an object what it was pickled with.
  mutating func build(_ object: PickleValue, _ state: PickleValue) throws(CheckpointError) {
    switch object {
    case .elementType(let type):
      // (version, byte order, ...).
      guard let values = state.tuple, values.count >= 2, let order = values[1].text else {
        throw failure(.badStack)
      }
      type.isBigEndian = order == ">"
    case .array(let target):
      // (version, shape, element type, whether in Fortran's order, bytes).
      guard let values = state.tuple, values.count == 5, let shape = values[1].tuple,
        case .elementType(let type) = values[2], let bytes = values[4].bytes
      else { throw failure(.badStack) }
      let isFortran =
        switch values[3] {
        case .bool(let flag): flag
        case .integer(let number): number != 0
        default: false
        }
      target.content = try array(
        type, shape: try extents(shape), bytes: bytes, isFortran: isFortran
      ).content
    default: throw failure(.badStack)
    }
  }

  // MARK: - The result

  /// The value as a tree; what is shared is there more than once, up to a limit.
  func node(_ value: PickleValue, depth: Int, visited: inout Int) throws(CheckpointError)
    -> CheckpointNode
  {
    guard depth < CheckpointLimits.depth else {
      throw failure(.tooDeep(limit: CheckpointLimits.depth))
    }
    visited += 1
    guard visited <= CheckpointLimits.values else {
      throw failure(.tooManyValues(limit: CheckpointLimits.values))
    }
    func positions(_ values: [PickleValue]) throws(CheckpointError) -> CheckpointNode {
      var members: [(key: String, value: CheckpointNode)] = []
      for (index, value) in values.enumerated() {
        members.append(("\(index)", try node(value, depth: depth + 1, visited: &visited)))
      }
      return .map(members)
    }
    switch value {
    case .map(let map):
      var members: [(key: String, value: CheckpointNode)] = []
      for member in map.members {
        members.append(
          (member.key, try node(member.value, depth: depth + 1, visited: &visited)))
      }
      return .map(members)
    case .list(let list): return try positions(list.values)
    case .tuple(let values): return try positions(values)
    case .array(let array):
      guard let content = array.content else { throw failure(.badArray("it was given nothing")) }
      return .array(content)
    case .none: return .other("nothing")
    case .bool: return .other("true or false")
    case .integer, .float: return .other("a number")
    case .text: return .other("a text")
    case .bytes: return .other("bytes")
    case .elementType, .global, .mark: throw failure(.badStack)
    }
  }
}
