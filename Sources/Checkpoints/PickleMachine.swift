/// Runs a pickle (protocols 0 to 5) on values of its own, and executes nothing.
///
/// The opcodes are those of Python's pickletools that files of arrays have. Python's objects by
/// reference (`PERSID`, extensions, buffers from outside) have no meaning here and are errors.
struct PickleMachine {
  var scanner: ByteScanner
  var stack: [PickleValue] = []
  private var memo: [Int: PickleValue] = [:]
  private var steps = 0
  /// All containers, to be emptied at the end: a pickle can make them hold each other.
  var lists: [PickleList] = []
  var maps: [PickleMap] = []
  /// The bytes that values made here take, beyond which a pickle that multiplies them is stopped.
  var made = 0

  /// The value in a file.
  static func read(_ bytes: [UInt8]) throws(CheckpointError) -> CheckpointNode {
    var machine = PickleMachine(scanner: ByteScanner(bytes, .pickle))
    defer {
      for list in machine.lists { list.values = [] }
      for map in machine.maps { map.members = [] }
    }
    let value = try machine.run()
    guard machine.scanner.remaining == 0 else {
      throw machine.failure(.trailingBytes(machine.scanner.remaining))
    }
    var visited = 0
    return try machine.node(value, depth: 0, visited: &visited)
  }

  private init(scanner: ByteScanner) { self.scanner = scanner }

  func failure(_ reason: CheckpointError.Reason) -> CheckpointError { scanner.failure(reason) }

  // MARK: - The stack

  mutating func pop() throws(CheckpointError) -> PickleValue {
    guard let value = stack.popLast() else { throw failure(.badStack) }
    if case .mark = value { throw failure(.badStack) }
    return value
  }

  private func top() throws(CheckpointError) -> PickleValue {
    guard let value = stack.last else { throw failure(.badStack) }
    return value
  }

  /// The values above the topmost mark, which goes too.
  private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    let place = stack.lastIndex { if case .mark = $0 { true } else { false } }
    guard let place else { throw failure(.badStack) }
    let values = Array(stack[(place + 1)...])
    stack.removeSubrange(place...)
    return values
  }

  private mutating func pop(_ count: Int) throws(CheckpointError) -> [PickleValue] {
    var values: [PickleValue] = []
    for _ in 0..<count { values.append(try pop()) }
    return values.reversed()
  }

  // MARK: - Opcodes

  private mutating func run() throws(CheckpointError) -> PickleValue {
    while true {
      let code = try scanner.byte()
      if code == UInt8(ascii: ".") { return try pop() }
      steps += 1
      guard steps <= 10 * CheckpointLimits.values, stack.count <= CheckpointLimits.values else {
        throw failure(.tooManyValues(limit: CheckpointLimits.values))
      }
      if try runContainer(code) { continue }
      if try runNumber(code) { continue }
      if try runText(code) { continue }
      guard try runOther(code) else { throw failure(.unknownByte(code)) }
    }
  }

  private mutating func runOther(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case 0x80: _ = try scanner.take(1)  // PROTO
    case 0x95: _ = try scanner.take(8)  // FRAME
    case UInt8(ascii: "0"): _ = stack.popLast()  // POP
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())  // DUP
    case UInt8(ascii: "p"): memo[try decimal()] = try top()  // PUT
    case UInt8(ascii: "q"): memo[Int(try scanner.byte())] = try top()
    case UInt8(ascii: "r"): memo[Int(try scanner.unsigned(4))] = try top()
    case 0x94: memo[memo.count] = try top()  // MEMOIZE
    case UInt8(ascii: "g"): try get(try decimal())
    case UInt8(ascii: "h"): try get(Int(try scanner.byte()))
    case UInt8(ascii: "j"): try get(Int(try scanner.unsigned(4)))
    case UInt8(ascii: "c"): try pushGlobal(module: try name(), name: try name())
    case 0x93:  // STACK_GLOBAL
      let name = try pop().text
      let module = try pop().text
      guard let name, let module else { throw failure(.badStack) }
      try pushGlobal(module: module, name: name)
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      let arguments = try pop().tuple
      let callable = try pop()
      guard let arguments else { throw failure(.badStack) }
      stack.append(try make(callable, arguments))
    case UInt8(ascii: "b"):  // BUILD
      let state = try pop()
      try build(try top(), state)
    default: return false
    }
    return true
  }

  private mutating func get(_ index: Int) throws(CheckpointError) {
    guard let value = memo[index] else { throw failure(.badStack) }
    stack.append(value)
  }

  private mutating func pushGlobal(module: String, name: String) throws(CheckpointError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw failure(.forbidden(name: "\(module).\(name)"))
    }
    stack.append(.global(global))
  }

  private mutating func runContainer(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "("): stack.append(.mark)
    case UInt8(ascii: ")"): stack.append(.tuple([]))
    case UInt8(ascii: "t"): stack.append(.tuple(try popToMark()))
    case 0x85, 0x86, 0x87: stack.append(.tuple(try pop(Int(code - 0x84))))
    case UInt8(ascii: "]"): stack.append(newList([]))
    case UInt8(ascii: "l"): stack.append(newList(try popToMark()))
    case UInt8(ascii: "a"):  // APPEND
      let value = try pop()
      try list().values.append(value)
    case UInt8(ascii: "e"):
      let values = try popToMark()
      try list().values += values
    case UInt8(ascii: "}"): stack.append(newMap())
    case UInt8(ascii: "d"):
      let values = try popToMark()
      stack.append(newMap())
      try fill(values)
    case UInt8(ascii: "s"):  // SETITEM
      let values = try pop(2)
      try fill(values)
    case UInt8(ascii: "u"):
      let values = try popToMark()
      try fill(values)
    default: return false
    }
    return true
  }

  mutating func newList(_ values: [PickleValue]) -> PickleValue {
    let list = PickleList()
    list.values = values
    lists.append(list)
    return .list(list)
  }

  mutating func newMap() -> PickleValue {
    let map = PickleMap()
    maps.append(map)
    return .map(map)
  }

  private func list() throws(CheckpointError) -> PickleList {
    guard case .list(let list) = try top() else { throw failure(.badStack) }
    return list
  }

  /// Puts keys and values, in turn, into the map that is on top.
  private func fill(_ values: [PickleValue]) throws(CheckpointError) {
    guard case .map(let map) = try top(), values.count.isMultiple(of: 2) else {
      throw failure(.badStack)
    }
    for index in stride(from: 0, to: values.count, by: 2) {
      guard let key = values[index].text ?? values[index].integer.map(String.init) else {
        throw failure(.badKey)
      }
      map.set(key, values[index + 1])
    }
  }

  // MARK: - Numbers

  private mutating func runNumber(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88, 0x89: stack.append(.bool(code == 0x88))
    case UInt8(ascii: "K"): stack.append(.integer(Int(try scanner.byte())))
    case UInt8(ascii: "M"): stack.append(.integer(Int(try scanner.unsigned(2))))
    case UInt8(ascii: "J"):
      let bits = UInt32(try scanner.unsigned(4))
      stack.append(.integer(Int(Int32(bitPattern: bits))))
    case 0x8A: stack.append(.integer(try long(Int(try scanner.byte()))))
    case UInt8(ascii: "G"):
      stack.append(.float(Double(bitPattern: try scanner.unsigned(8, bigEndian: true))))
    case UInt8(ascii: "I"):
      let text = try word()
      // Protocol 0 writes True as 01.
      stack.append(text == "01" || text == "00" ? .bool(text == "01") : .integer(try whole(text)))
    case UInt8(ascii: "L"):
      let text = try word()
      stack.append(.integer(try whole(text.hasSuffix("L") ? String(text.dropLast()) : text)))
    case UInt8(ascii: "F"):
      guard let value = Double(try word()) else { throw failure(.badText) }
      stack.append(.float(value))
    default: return false
    }
    return true
  }

  /// A number in two's complement, at most 8 bytes.
  private mutating func long(_ count: Int) throws(CheckpointError) -> Int {
    guard count <= 8 else { throw failure(.badText) }
    guard count > 0 else { return 0 }
    let value = try scanner.unsigned(count)
    let unused = UInt64(64 - 8 * count)
    return Int(Int64(bitPattern: value << unused) >> Int64(unused))
  }

  private mutating func word() throws(CheckpointError) -> String {
    guard let text = String(validating: try scanner.line(), as: UTF8.self) else {
      throw failure(.badText)
    }
    return text
  }

  private mutating func name() throws(CheckpointError) -> String { try word() }

  private mutating func decimal() throws(CheckpointError) -> Int { try whole(try word()) }

  private func whole(_ text: String) throws(CheckpointError) -> Int {
    guard let value = Int(text) else { throw failure(.badText) }
    return value
  }

  // MARK: - Texts and bytes

  private mutating func runText(_ code: UInt8) throws(CheckpointError) -> Bool {
    switch code {
    case 0x8C: stack.append(.text(try scanner.text(try scanner.length(1))))
    case UInt8(ascii: "X"): stack.append(.text(try scanner.text(try scanner.length(4))))
    case 0x8D: stack.append(.text(try scanner.text(try scanner.length(8))))
    case UInt8(ascii: "V"): stack.append(.text(try PickleText.unicode(try scanner.line(), scanner)))
    case UInt8(ascii: "U"), UInt8(ascii: "C"): try pushBytes(try scanner.length(1))
    case UInt8(ascii: "T"), UInt8(ascii: "B"): try pushBytes(try scanner.length(4))
    case 0x8E, 0x96: try pushBytes(try scanner.length(8))
    case UInt8(ascii: "S"): stack.append(.bytes(try PickleText.string(try scanner.line(), scanner)))
    default: return false
    }
    return true
  }

  private mutating func pushBytes(_ count: Int) throws(CheckpointError) {
    stack.append(.bytes(Array(try scanner.take(count))))
  }
}
