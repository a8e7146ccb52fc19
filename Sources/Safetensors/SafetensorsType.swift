/// The element type of an array in a safetensors file.
///
/// The raw value is the type's name in the file's header.
public enum SafetensorsType: String, CaseIterable, Sendable {
  /// IEEE 754 binary32.
  case float32 = "F32"
  /// IEEE 754 binary64.
  case float64 = "F64"
  /// IEEE 754 binary16.
  case float16 = "F16"
  /// The upper half of a binary32.
  case bfloat16 = "BF16"
  /// Signed, 8 bits.
  case int8 = "I8"
  /// Signed, 16 bits.
  case int16 = "I16"
  /// Signed, 32 bits.
  case int32 = "I32"
  /// Signed, 64 bits.
  case int64 = "I64"
  /// Unsigned, 8 bits.
  case uint8 = "U8"
  /// Unsigned, 16 bits.
  case uint16 = "U16"
  /// Unsigned, 32 bits.
  case uint32 = "U32"
  /// Unsigned, 64 bits.
  case uint64 = "U64"
  /// One byte, 0 or 1.
  case bool = "BOOL"

  /// The number of bytes of one element.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }
}
