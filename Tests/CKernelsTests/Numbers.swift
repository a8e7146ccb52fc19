import CKernels

/// Reproducible numbers for the kernels' tests (SplitMix64).
struct Numbers {
  private var state: UInt64

  init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

  mutating func bits() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Between -1 and 1.
  mutating func float() -> Float { Float(Int64(bitPattern: bits()) >> 40) / 0x1p23 }

  mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in float() * scale }
  }

  mutating func integer(below bound: Int) -> Int { Int(bits() % UInt64(bound)) }
}

/// Memory for scratch, full of NaN: kernels must not rely on what is in it.
func withScratch<Result>(
  _ floats: Int64, _ body: (UnsafeMutablePointer<Float>) throws -> Result
) rethrows -> Result {
  let count = Int(floats)
  let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count + 64, alignment: 64)
  defer { memory.deallocate() }
  let scratch = memory.bindMemory(to: Float.self, capacity: count + 16)
  scratch.initialize(repeating: .nan, count: count + 16)
  defer {
    for index in count..<count + 16 {
      precondition(scratch[index].isNaN, "written past the end of scratch")
    }
  }
  return try body(scratch)
}

/// The largest difference over the largest size of the true numbers.
func largestError(_ result: [Float], _ truth: [Double]) -> Double {
  precondition(result.count == truth.count, "\(result.count) values against \(truth.count)")
  var difference = 0.0
  var size = 1e-30
  for (a, b) in zip(result, truth) {
    guard a.isFinite else { return .infinity }
    difference = max(difference, abs(Double(a) - b))
    size = max(size, abs(b))
  }
  return difference / size
}

func haveSameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.map(\.bitPattern) == b.map(\.bitPattern)
}

/// The instruction sets among which the kernels of these tests choose, that this machine can run.
var instructionSets: [Int32] {
  [CK_ISA_BASELINE, CK_ISA_AVX2, CK_ISA_AVX512].map { Int32($0) }
    .filter { ck_supports_isa($0) == 1 }
}
