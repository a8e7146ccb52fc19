internal import Essentials

/// A JSON value: how settings are written in files.
public indirect enum JSONValue: Hashable, Sendable {
  /// null.
  case null
  /// true or false.
  case bool(Bool)
  /// Any number.
  case number(Double)
  /// A string.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object; keys are written in sorted order.
  case object([String: JSONValue])

  /// A number that is as short as the float, and reads back as it: 0.1 and not 0.10000000149011612.
  ///
  /// Not every such number is equal to the float as a double. A number that was a double is never
  /// written so: it would be another one when it is read back.
  public static func float(_ value: Float) -> JSONValue {
    let short = Double("\(value)") ?? Double(value)
    return .number(Float(short) == value ? short : Double(value))
  }

  /// Reads JSON text; nil when it is malformed.
  ///
  /// By `JSONDecoder`, because `JSONSerialization` misses every third double by its last bit.
  public init?(parsing text: String) {
    guard let parsed = try? JSONDecoder().decode(Parsed.self, from: Data(text.utf8)) else {
      return nil
    }
    self = parsed.value
  }

  /// A name that an object in a JSON text has twice, of which parsing would keep one; nil when there is
  /// none.
  ///
  /// What is no JSON is of no account.
  package static func repeatedName(in text: String) -> String? {
    // The names of each object under way; nil for an array.
    var open: [Set<String>?] = []
    var awaitsName = false
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      switch byte {
      case UInt8(ascii: "{"):
        open.append([])
        awaitsName = true
      case UInt8(ascii: "["):
        open.append(nil)
        awaitsName = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        _ = open.popLast()
        awaitsName = false
      case UInt8(ascii: ","):
        awaitsName = open.last.flatMap(\.self) != nil
      case UInt8(ascii: "\""):
        var quoted: [UInt8] = [byte]
        var isEscaped = false
        while let next = bytes.next() {
          quoted.append(next)
          if !isEscaped, next == UInt8(ascii: "\"") { break }
          isEscaped = !isEscaped && next == UInt8(ascii: "\\")
        }
        guard awaitsName, var names = open.last.flatMap(\.self) else { continue }
        awaitsName = false
        let name = JSONValue(parsing: String(decoding: quoted, as: UTF8.self))?.string ?? ""
        guard names.insert(name).inserted else { return name }
        open[open.count - 1] = names
      default: continue
      }
    }
    return nil
  }

  /// Compact JSON text with sorted keys.
  public var text: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let value):
      if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
      return "\(value)"
    case .string(let value): return JSONValue.quoted(value)
    case .array(let values): return "[\(values.map(\.text).joined(separator: ","))]"
    case .object(let members):
      let parts = members.sorted { $0.key < $1.key }.map {
        "\(JSONValue.quoted($0.key)):\($0.value.text)"
      }
      return "{\(parts.joined(separator: ","))}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// The value as a number.
  public var number: Double? { if case .number(let value) = self { value } else { nil } }
  /// The value as a string.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The value as a list.
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The value as an object.
  public var object: [String: JSONValue]? {
    if case .object(let value) = self { value } else { nil }
  }
}

/// Any value, as the decoder finds it.
private struct Parsed: Decodable {
  let value: JSONValue

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      value = .null
    } else if let flag = try? container.decode(Bool.self) {
      value = .bool(flag)
    } else if let number = try? container.decode(Double.self) {
      value = .number(number)
    } else if let text = try? container.decode(String.self) {
      value = .string(text)
    } else if let list = try? container.decode([Parsed].self) {
      value = .array(list.map(\.value))
    } else {
      value = .object(try container.decode([String: Parsed].self).mapValues(\.value))
    }
  }
}
