internal import Safetensors

/// A value of the pickle machine.
///
/// Containers are objects: a pickle goes on filling what it has put aside.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case tuple([PickleValue])
  case list(PickleList)
  case map(PickleMap)
  case array(PickleArray)
  case elementType(PickleElementType)
  case global(PickleGlobal)
  case mark

  var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  var tuple: [PickleValue]? { if case .tuple(let values) = self { values } else { nil } }

  /// Text, in the form that Python 2 wrote it too.
  var text: String? {
    switch self {
    case .text(let text): text
    case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
    default: nil
    }
  }

  /// Bytes; a text of Python 2 that was decoded as Latin-1 is what it was.
  var bytes: [UInt8]? {
    switch self {
    case .bytes(let bytes): return bytes
    case .text(let text):
      let scalars = text.unicodeScalars
      return scalars.allSatisfy { $0.value < 256 } ? scalars.map { UInt8($0.value) } : nil
    default: return nil
    }
  }
}

/// A list under construction.
final class PickleList {
  var values: [PickleValue] = []
}

/// A dictionary under construction, its members in order.
final class PickleMap {
  var members: [(key: String, value: PickleValue)] = []
  private var places: [String: Int] = [:]

  func set(_ key: String, _ value: PickleValue) {
    if let place = places[key] {
      members[place].value = value
    } else {
      places[key] = members.count
      members.append((key, value))
    }
  }
}

/// A NumPy array, which is made first and given its contents later.
final class PickleArray {
  var content: SafetensorsArray?
}

/// A NumPy element type, whose byte order is given later.
final class PickleElementType {
  let type: SafetensorsType
  var isBigEndian = false
  init(_ type: SafetensorsType) { self.type = type }
}

/// The names that a pickle may ask for: what they make is made by the machine itself.
enum PickleGlobal {
  case dictionary, defaultDictionary, orderedDictionary, list, byteArray
  case reconstruct, arrayClass, elementType, scalar, encode, frombuffer, loadType, createArray

  init?(module: String, name: String) {
    switch (module, name) {
    case ("builtins", "dict"), ("__builtin__", "dict"): self = .dictionary
    case ("builtins", "list"), ("__builtin__", "list"): self = .list
    case ("builtins", "bytearray"), ("__builtin__", "bytearray"): self = .byteArray
    case ("collections", "defaultdict"): self = .defaultDictionary
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"):
      self = .reconstruct
    case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .scalar
    case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"):
      self = .frombuffer
    case ("numpy", "ndarray"): self = .arrayClass
    case ("numpy", "dtype"): self = .elementType
    case ("_codecs", "encode"): self = .encode
    // dill's way to name a type by a text.
    case ("dill.dill", "_load_type"), ("dill._dill", "_load_type"): self = .loadType
    // dill's way to make an array: the call, its arguments and the array's contents in one.
    case ("dill.dill", "_create_array"), ("dill._dill", "_create_array"): self = .createArray
    default: return nil
    }
  }
}
