internal import Foundation

/// A JSON value: how nets' options are written in saved optimizers.
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

  /// Reads JSON text; nil when it is malformed.
  public init?(parsing text: String) {
    guard
      let value = try? JSONSerialization.jsonObject(
        with: Data(text.utf8), options: [.fragmentsAllowed])
    else { return nil }
    self.init(value)
  }

  private init?(_ value: Any) {
    switch value {
    case let value as String: self = .string(value)
    case let value as [Any]: self = .array(value.compactMap(JSONValue.init))
    case let value as [String: Any]: self = .object(value.compactMapValues(JSONValue.init))
    case let value as NSNumber:
      self =
        isBoolean(value) ? .bool(value.boolValue) : .number(value.doubleValue)
    default: self = .null
    }
  }

  /// Compact JSON text with sorted keys.
  public var text: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let value):
      if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
      // Float options are written as the shortest text that reads back as the same float.
      let short = Float(value)
      return Double(short) == value ? "\(short)" : "\(value)"
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
        result += "\\u" + String(format: "%04x", scalar.value)
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

// Foundation on Linux gives JSON's true and numbers as NSNumber alike; the C type tells them apart.
private func isBoolean(_ value: NSNumber) -> Bool {
  String(cString: value.objCType) == "c"
}
