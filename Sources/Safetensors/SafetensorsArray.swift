/// An array of numbers as a safetensors file holds it: element type, shape and little-endian bytes.
///
/// It knows nothing of tensors that compute; those who do convert from and to `[Float]`.
public struct SafetensorsArray: Equatable, Sendable {
  /// The most axes that an array may have, in files read and written.
  public static let maximumRank = 32

  /// The type of each element.
  public let type: SafetensorsType

  /// The length of each axis, the slowest-varying first; empty for a scalar.
  public let shape: [Int]

  /// The elements in row-major order, each little-endian; made anew each time where they are made
  /// when they are needed.
  public var bytes: [UInt8] {
    switch storage {
    case .known(let bytes): return bytes
    case .made(let make):
      let bytes = make()
      precondition(bytes.count == byteCount, "\(bytes.count) bytes of \(byteCount)")
      return bytes
    }
  }

  /// The number of bytes.
  public let byteCount: Int

  /// The number of elements: the product of the shape.
  public var count: Int { byteCount / type.byteCount }

  /// Whether the bytes are made when they are needed.
  public var isMade: Bool {
    if case .made = storage { true } else { false }
  }

  private enum Storage: Sendable {
    case known([UInt8])
    case made(@Sendable () -> [UInt8])
  }
  private let storage: Storage

  /// Makes an array from its bytes.
  ///
  /// - Precondition: the shape has at most `maximumRank` axes, none negative, and its product times
  ///   the size of an element is the number of bytes.
  public init(type: SafetensorsType, shape: [Int], bytes: [UInt8]) {
    let expected = Self.byteCount(type: type, shape: shape)
    precondition(
      shape.count <= Self.maximumRank && expected == bytes.count,
      "\(bytes.count) bytes cannot be the shape \(shape) of \(type.rawValue)")
    self.type = type
    self.shape = shape
    byteCount = bytes.count
    storage = .known(bytes)
  }

  /// A float32 array whose elements are made when they are needed: many of them can be written one by
  /// one without all being in memory.
  ///
  /// - Precondition: what `make` returns has the shape's number of elements.
  public init(shape: [Int], making make: @escaping @Sendable () -> [Float]) {
    guard shape.count <= Self.maximumRank,
      let count = Self.byteCount(type: .float32, shape: shape)
    else { preconditionFailure("an array of shape \(shape)") }
    type = .float32
    self.shape = shape
    byteCount = count
    storage = .made { Self.pack(make().lazy.map(\.bitPattern)) }
  }

  /// Whether type, shape and bytes are the same.
  public static func == (a: SafetensorsArray, b: SafetensorsArray) -> Bool {
    a.type == b.type && a.shape == b.shape && a.bytes == b.bytes
  }

  /// The bytes that a shape takes, or nil when an axis is negative or the product overflows.
  ///
  /// A zero among the axes makes the result 0 wherever it stands: the overflow of the others is
  /// still reported, because readers that multiply in another order would trip over it.
  static func byteCount(type: SafetensorsType, shape: [Int]) -> Int? {
    var total = type.byteCount
    var hasZero = false
    for length in shape {
      if length < 0 { return nil }
      if length == 0 {
        hasZero = true
        continue
      }
      let (product, overflow) = total.multipliedReportingOverflow(by: length)
      if overflow { return nil }
      total = product
    }
    return hasZero ? 0 : total
  }
}

// MARK: - From numbers

extension SafetensorsArray {
  /// Makes a float32 array; the bits are kept, NaN payloads included.
  ///
  /// - Precondition: the product of the shape is the number of values.
  public init(floats: [Float], shape: [Int]) {
    self.init(type: .float32, shape: shape, bytes: Self.pack(floats.lazy.map(\.bitPattern)))
  }

  /// Makes a float64 array; the bits are kept.
  ///
  /// - Precondition: the product of the shape is the number of values.
  public init(doubles: [Double], shape: [Int]) {
    self.init(type: .float64, shape: shape, bytes: Self.pack(doubles.lazy.map(\.bitPattern)))
  }

  /// Makes an int64 array.
  ///
  /// - Precondition: the product of the shape is the number of values.
  public init(int64s: [Int64], shape: [Int]) {
    self.init(type: .int64, shape: shape, bytes: Self.pack(int64s))
  }

  /// Makes a uint64 array.
  ///
  /// - Precondition: the product of the shape is the number of values.
  public init(uint64s: [UInt64], shape: [Int]) {
    self.init(type: .uint64, shape: shape, bytes: Self.pack(uint64s))
  }

  private static func pack<Values: Collection>(_ values: Values) -> [UInt8]
  where Values.Element: FixedWidthInteger {
    let width = Values.Element.bitWidth / 8
    let byteCount = values.count * width
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, written in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var offset = 0
      for value in values {
        raw.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Values.Element.self)
        offset += width
      }
      written = byteCount
    }
  }
}

// MARK: - To numbers

extension SafetensorsArray {
  /// The elements as float32, in row-major order.
  ///
  /// float32, float16 and bfloat16 are exact; float64 and integers are rounded to the nearest, so a
  /// float64 out of range becomes an infinity.
  ///
  /// - Throws: `SafetensorsError.notConvertible` for BOOL.
  public func floats() throws(SafetensorsError) -> [Float] {
    switch type {
    case .float32: unpack(UInt32.self) { Float(bitPattern: $0) }
    case .float64: unpack(UInt64.self) { Float(Double(bitPattern: $0)) }
    case .float16: unpack(UInt16.self, Self.float(half:))
    case .bfloat16: unpack(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .int8: unpack(Int8.self) { Float($0) }
    case .int16: unpack(Int16.self) { Float($0) }
    case .int32: unpack(Int32.self) { Float($0) }
    case .int64: unpack(Int64.self) { Float($0) }
    case .uint8: unpack(UInt8.self) { Float($0) }
    case .uint16: unpack(UInt16.self) { Float($0) }
    case .uint32: unpack(UInt32.self) { Float($0) }
    case .uint64: unpack(UInt64.self) { Float($0) }
    case .bool: throw .notConvertible(from: type, to: .float32)
    }
  }

  /// The elements of a float64 or float32 array as doubles, exactly.
  ///
  /// - Throws: `SafetensorsError.notConvertible` for every other type.
  public func doubles() throws(SafetensorsError) -> [Double] {
    switch type {
    case .float64: unpack(UInt64.self) { Double(bitPattern: $0) }
    case .float32: unpack(UInt32.self) { Double(Float(bitPattern: $0)) }
    default: throw .notConvertible(from: type, to: .float64)
    }
  }

  /// The elements of a signed integer array, exactly.
  ///
  /// - Throws: `SafetensorsError.notConvertible` unless the type is I8, I16, I32 or I64.
  public func int64s() throws(SafetensorsError) -> [Int64] {
    switch type {
    case .int8: unpack(Int8.self) { Int64($0) }
    case .int16: unpack(Int16.self) { Int64($0) }
    case .int32: unpack(Int32.self) { Int64($0) }
    case .int64: unpack(Int64.self) { $0 }
    default: throw .notConvertible(from: type, to: .int64)
    }
  }

  /// The elements of an unsigned integer array, exactly.
  ///
  /// - Throws: `SafetensorsError.notConvertible` unless the type is U8, U16, U32 or U64.
  public func uint64s() throws(SafetensorsError) -> [UInt64] {
    switch type {
    case .uint8: unpack(UInt8.self) { UInt64($0) }
    case .uint16: unpack(UInt16.self) { UInt64($0) }
    case .uint32: unpack(UInt32.self) { UInt64($0) }
    case .uint64: unpack(UInt64.self) { $0 }
    default: throw .notConvertible(from: type, to: .uint64)
    }
  }

  private func unpack<Bits: FixedWidthInteger, Value>(
    _: Bits.Type, _ convert: (Bits) -> Value
  ) -> [Value] {
    bytes.withUnsafeBytes { raw in
      (0..<count).map { index in
        let bits = raw.loadUnaligned(fromByteOffset: index * (Bits.bitWidth / 8), as: Bits.self)
        return convert(Bits(littleEndian: bits))
      }
    }
  }

  /// The value of a binary16, from its bits: `Float16` does not exist on every platform.
  ///
  /// Moving the fraction into place and scaling by 2^112 shifts the exponent's bias from 15 to 127
  /// and makes subnormals normal, exactly; infinity and NaN have the largest exponent of both.
  static func float(half: UInt16) -> Float {
    let sign = UInt32(half & 0x8000) << 16
    let magnitude = UInt32(half & 0x7fff) << 13
    if half & 0x7c00 == 0x7c00 {
      return Float(bitPattern: sign | 0x7f80_0000 | magnitude & 0x007f_ffff)
    }
    let value = Float(bitPattern: magnitude) * 0x1p112
    return Float(bitPattern: sign | value.bitPattern)
  }
}
