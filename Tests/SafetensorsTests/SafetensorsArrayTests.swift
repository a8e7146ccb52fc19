import Safetensors
import Testing

@Suite("SafetensorsArray")
struct SafetensorsArrayTests {
  @Test("floats keep their bits, NaN payloads and negative zero included")
  func floatBits() throws {
    let bits: [UInt32] = [0, 0x8000_0000, 0x7fc0_1234, 0x7f80_0000, 1, 0x3f80_0000]
    let array = SafetensorsArray(floats: bits.map { Float(bitPattern: $0) }, shape: [2, 3])
    #expect(try array.floats().map(\.bitPattern) == bits)
    #expect(array.count == 6)
    #expect(array.bytes.prefix(8) == [0, 0, 0, 0, 0, 0, 0, 0x80])
  }

  @Test("64-bit integers and doubles come back exactly")
  func wideValues() throws {
    let signed: [Int64] = [.min, -1, 0, .max, 1 << 53 + 1]
    #expect(try SafetensorsArray(int64s: signed, shape: [5]).int64s() == signed)
    let unsigned: [UInt64] = [0, .max, 1 << 63]
    #expect(try SafetensorsArray(uint64s: unsigned, shape: [3]).uint64s() == unsigned)
    let doubles = [0.1, -.infinity, .leastNonzeroMagnitude]
    #expect(try SafetensorsArray(doubles: doubles, shape: [3]).doubles() == doubles)
  }

  @Test("a scalar has an empty shape, and an empty array no bytes")
  func degenerateShapes() throws {
    #expect(try SafetensorsArray(floats: [2], shape: []).floats() == [2])
    #expect(try SafetensorsArray(floats: [], shape: [3, 0]).floats() == [])
  }

  @Test("half precision numbers of every kind convert exactly")
  func halves() throws {
    let cases: [(UInt16, Float)] = [
      (0x0000, 0), (0x3c00, 1), (0xc000, -2), (0x7bff, 65504), (0x0001, 0x1p-24),
      (0x03ff, 0x1.ff8p-15), (0x0400, 0x1p-14), (0x7c00, .infinity), (0xfc00, -.infinity),
      (0x3555, 0.333251953125),
    ]
    let bytes = cases.flatMap { [UInt8($0.0 & 0xff), UInt8($0.0 >> 8)] }
    let array = SafetensorsArray(type: .float16, shape: [cases.count], bytes: bytes)
    #expect(try array.floats() == cases.map(\.1))
    let special = SafetensorsArray(type: .float16, shape: [2], bytes: [0x00, 0x80, 0x01, 0x7e])
    let floats = try special.floats()
    #expect(floats[0] == 0 && floats[0].sign == .minus)
    #expect(floats[1].isNaN)
  }

  @Test("brain floats are the upper halves of floats")
  func brainFloats() throws {
    let array = SafetensorsArray(type: .bfloat16, shape: [2], bytes: [0x80, 0x3f, 0x20, 0xc1])
    #expect(try array.floats() == [1, -10])
  }

  @Test("integers of every width become floats, negative ones too")
  func integers() throws {
    let cases: [(SafetensorsType, [UInt8], [Float])] = [
      (.int8, [0xff, 0x7f], [-1, 127]), (.uint8, [0xff, 0x01], [255, 1]),
      (.int16, [0xfe, 0xff], [-2]), (.uint16, [0xfe, 0xff], [65534]),
      (.int32, [0xfd, 0xff, 0xff, 0xff], [-3]), (.uint32, [0, 0, 0, 0x80], [0x1p31]),
      (.int64, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-1]),
      (.uint64, [0, 0, 0, 0, 0, 0, 0, 0x80], [0x1p63]),
    ]
    for (type, bytes, floats) in cases {
      let array = SafetensorsArray(type: type, shape: [floats.count], bytes: bytes)
      #expect(try array.floats() == floats, "\(type)")
    }
  }

  @Test("doubles out of range become infinities when read as floats")
  func roundedDoubles() throws {
    let array = SafetensorsArray(doubles: [1e300, 0.1], shape: [2])
    #expect(try array.floats() == [.infinity, 0.1])
  }

  @Test("a conversion that loses the kind of number is refused")
  func refusedConversions() {
    let truth = SafetensorsArray(type: .bool, shape: [1], bytes: [1])
    #expect(throws: SafetensorsError.notConvertible(from: .bool, to: .float32)) {
      try truth.floats()
    }
    let floats = SafetensorsArray(floats: [1], shape: [1])
    #expect(throws: SafetensorsError.notConvertible(from: .float32, to: .int64)) {
      try floats.int64s()
    }
    #expect(throws: SafetensorsError.notConvertible(from: .float32, to: .uint64)) {
      try floats.uint64s()
    }
    let integers = SafetensorsArray(int64s: [1], shape: [1])
    #expect(throws: SafetensorsError.notConvertible(from: .int64, to: .float64)) {
      try integers.doubles()
    }
  }
}
