import Tensors
import Testing

@Suite("RandomStream")
struct RandomStreamTests {
  // From Random123 (Salmon, Moraes, Dror, Shaw), tests/kat_vectors, philox4x32 with 10 rounds.
  @Test("Philox4x32-10 gives the known answers of its authors")
  func knownAnswers() {
    #expect(
      RandomStream.philox((0, 0, 0, 0), (0, 0))
        == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = UInt32.max
    #expect(
      RandomStream.philox((ones, ones, ones, ones), (ones, ones))
        == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      RandomStream.philox(
        (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0))
        == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  private func bits(_ stream: RandomStream, count: Int = 64) -> [UInt32] {
    var stream = stream
    return (0..<count).map { _ in stream.nextBits() }
  }

  @Test("the same seed, purpose, epoch, instance and step give the same bits")
  func determinism() {
    for purpose in RandomStream.Purpose.allCases {
      let streams = (0..<2).map { _ in
        RandomStream(seed: 7, purpose: purpose, epoch: 3, instance: 2, step: 1)
      }
      #expect(bits(streams[0]) == bits(streams[1]))
    }
  }

  @Test("a copy of a stream goes on as the stream does, in the middle of a block too")
  func copies() {
    for drawn in 0..<6 {
      var stream = RandomStream(seed: 1, purpose: .test)
      _ = (0..<drawn).map { _ in stream.nextNormal() }
      var copy = stream
      #expect((0..<9).map { _ in stream.nextNormal() } == (0..<9).map { _ in copy.nextNormal() })
    }
  }

  @Test("streams that differ in anything share no number")
  func independence() {
    var streams: [RandomStream] = []
    for seed in [UInt64(0), 1, 2, .max] {
      for purpose in RandomStream.Purpose.allCases {
        streams.append(RandomStream(seed: seed, purpose: purpose))
      }
    }
    for number in 1...20 {
      streams.append(RandomStream(seed: 0, purpose: .test, epoch: number))
      streams.append(RandomStream(seed: 0, purpose: .test, instance: number))
      streams.append(RandomStream(seed: 0, purpose: .test, step: number))
    }
    // Pairs of words: 64 bits, of which no two of these few thousand should be equal by chance.
    var seen: Set<UInt64> = []
    var count = 0
    for stream in streams {
      let words = bits(stream)
      for index in stride(from: 0, to: words.count, by: 2) {
        seen.insert(UInt64(words[index]) << 32 | UInt64(words[index + 1]))
        count += 1
      }
    }
    #expect(seen.count == count)
  }

  @Test("neighbouring streams are uncorrelated")
  func correlation() {
    let n = 20_000
    func numbers(_ stream: RandomStream) -> [Double] {
      var stream = stream
      return (0..<n).map { _ in Double(stream.nextNormal()) }
    }
    let base = numbers(RandomStream(seed: 5, purpose: .problem, epoch: 1, instance: 1))
    for other in [
      RandomStream(seed: 5, purpose: .problem, epoch: 2, instance: 1),
      RandomStream(seed: 5, purpose: .problem, epoch: 1, instance: 2),
      RandomStream(seed: 6, purpose: .problem, epoch: 1, instance: 1),
      RandomStream(seed: 5, purpose: .minibatch, epoch: 1, instance: 1),
    ] {
      let sum = zip(base, numbers(other)).reduce(0) { $0 + $1.0 * $1.1 }
      // The sum of n products of independent normals has deviation sqrt(n): 5 of them.
      #expect(abs(sum) < 5 * Double(n).squareRoot())
    }
  }

  @Test("uniform numbers fill [0, 1) evenly")
  func uniform() {
    let n = 64_000
    var stream = RandomStream(seed: 2, purpose: .test)
    var bins = [Int](repeating: 0, count: 64)
    for _ in 0..<n {
      let value = stream.nextUniform()
      #expect(value >= 0 && value < 1)
      bins[Int(value * 64)] += 1
    }
    // chi-squared with 63 degrees of freedom: mean 63, deviation 11.2; 5 deviations.
    let chi = bins.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
    #expect(chi < 63 + 5 * 11.2)
  }

  @Test("whole numbers fill their range evenly and reach both ends", arguments: [1, 2, 7, 10, 100])
  func integers(bound: Int) {
    let n = 1000 * bound
    var stream = RandomStream(seed: 3, purpose: .test)
    var bins = [Int](repeating: 0, count: bound)
    for _ in 0..<n { bins[stream.nextInteger(below: bound)] += 1 }
    // A bin's count has deviation below sqrt(1000) = 32; 5 of them, the largest of 100 bins.
    #expect(bins.allSatisfy { abs($0 - 1000) < 160 })
  }

  @Test("a bound of 2^32 - 1 works")
  func largeBound() {
    var stream = RandomStream(seed: 3, purpose: .test)
    let values = (0..<1000).map { _ in stream.nextInteger(below: Int(UInt32.max)) }
    #expect(values.allSatisfy { $0 >= 0 && $0 < Int(UInt32.max) })
    #expect(values.contains { $0 > 1 << 31 })
  }

  private func moments(_ values: [Double]) -> [Double] {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return [mean]
      + (2...4).map { p in
        values.reduce(0) { sum, x in sum + (0..<p).reduce(1) { y, _ in y * (x - mean) } } / n
      }
  }

  @Test("normal numbers have the moments of the normal distribution")
  func normal() {
    let n = 100_000
    var stream = RandomStream(seed: 4, purpose: .test)
    let found = moments((0..<n).map { _ in Double(stream.nextNormal()) })
    // Deviations of the first four sample moments: sqrt(1, 2, 15 - 9, 96) / sqrt(n); 5 of them.
    for (value, (truth, variance)) in zip(found, [(0.0, 1.0), (1, 2), (0, 6), (3, 96)]) {
      #expect(abs(value - truth) < 5 * (variance / Double(n)).squareRoot())
    }
  }

  @Test("truncated normal numbers stay within two deviations and have their variance")
  func truncatedNormal() {
    let n = 100_000
    var stream = RandomStream(seed: 5, purpose: .test)
    let tensor = stream.truncatedNormal(Shape(vector: n), standardDeviation: 0.5)
    #expect(tensor.elements.allSatisfy { abs($0) < 1 })
    #expect(tensor.elements.contains { abs($0) > 0.98 })
    let found = moments(tensor.elements.map { Double($0) / 0.5 })
    // 1 - 2 * 2 phi(2) / (2 Phi(2) - 1) = 0.77413; its sample deviation is below sqrt(2 / n).
    #expect(abs(found[0]) < 5 * (1 / Double(n)).squareRoot())
    #expect(abs(found[1] - 0.77413) < 5 * (2 / Double(n)).squareRoot())
  }

  @Test("normal tensors scale with their deviation, uniform ones lie in [0, 1)")
  func tensors() {
    var a = RandomStream(seed: 6, purpose: .test)
    var b = a
    let wide = a.normal([3, 5], standardDeviation: 2)
    let unit = b.normal([3, 5], standardDeviation: 1)
    #expect(wide.shape == [3, 5])
    #expect(wide.elements == unit.elements.map { 2 * $0 })
    #expect(a.uniform([100]).elements.allSatisfy { $0 >= 0 && $0 < 1 })
  }

  // Runs must give the same numbers with every later version: a change here breaks resuming.
  @Test("the first bits of a stream never change")
  func pinned() {
    let stream = RandomStream(seed: 42, purpose: .problem, epoch: 1, instance: 2, step: 3)
    #expect(bits(stream, count: 4) == [1_462_202_515, 3_406_548_627, 2_196_986_548, 2_213_318_181])
  }
}
