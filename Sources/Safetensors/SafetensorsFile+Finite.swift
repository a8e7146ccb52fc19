extension SafetensorsFile {
  /// Checks that all numbers of the arrays are finite.
  ///
  /// A weight that is NaN or infinite makes every loss so, and the learning rate or the problem would
  /// get the blame: who computes with a file's numbers checks them first.
  ///
  /// - Parameters:
  ///   - path: where the file came from, for the error.
  ///   - isChecked: which arrays, by their names; all, unless given.
  /// - Throws: `SafetensorsError.notFinite` with the first such element in the file's order.
  /// - Complexity: reads each byte of the floating-point arrays once.
  public func requireFinite(
    in path: String? = nil, where isChecked: (String) -> Bool = { _ in true }
  ) throws(SafetensorsError) {
    for name in names where isChecked(name) {
      if let index = self[name]?.firstNotFinite {
        throw .notFinite(path: path, array: name, index: index)
      }
    }
  }
}

extension SafetensorsArray {
  /// The index of the first element that is NaN or infinite; nil when there is none.
  public var firstNotFinite: Int? {
    switch type {
    case .float64: first(UInt64.self, withExponent: 0x7ff0_0000_0000_0000)
    case .float32: first(UInt32.self, withExponent: 0x7f80_0000)
    case .float16: first(UInt16.self, withExponent: 0x7c00)
    case .bfloat16: first(UInt16.self, withExponent: 0x7f80)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: nil
    }
  }

  /// An exponent of ones alone is that of infinities and NaNs.
  private func first<Bits: FixedWidthInteger>(_: Bits.Type, withExponent exponent: Bits) -> Int? {
    bytes.withUnsafeBytes { raw in
      (0..<count).first { index in
        let bits = raw.loadUnaligned(fromByteOffset: index * (Bits.bitWidth / 8), as: Bits.self)
        return Bits(littleEndian: bits) & exponent == exponent
      }
    }
  }
}
