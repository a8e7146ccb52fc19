import ProcessGroups
import Tensors
import Testing

@Suite("ReproducibleSum")
struct ReproducibleSumTests {
  private func vectors(_ count: Int, length: Int) -> [[Double]] {
    var random = RandomStream(seed: 9, purpose: .test)
    return (0..<count).map { _ in
      (0..<length).map { index in
        Double(random.nextNormal()) * (index.isMultiple(of: 2) ? 1e-6 : 1e3)
      }
    }
  }

  /// The sum computed by so many processes, each adding its vectors in the given order.
  private func sum(_ vectors: [[Double]], groups: [[Int]]) -> [Int64] {
    let sum = ReproducibleSum(summands: vectors.count)
    let exponent = vectors.compactMap { ReproducibleSum.exponent(of: $0) }.max() ?? 0
    var total = [Int64](repeating: 0, count: vectors[0].count)
    for group in groups {
      var part = [Int64](repeating: 0, count: vectors[0].count)
      for index in group { sum.add(vectors[index], exponent: exponent, to: &part[...]) }
      for index in total.indices { total[index] &+= part[index] }
    }
    return total
  }

  @Test("any order and grouping gives the same bits")
  func orderAndGrouping() {
    let vectors = vectors(12, length: 33)
    let expected = sum(vectors, groups: [Array(0..<12)])
    var random = RandomStream(seed: 1, purpose: .test)
    for processes in 1...5 {
      var groups = [[Int]](repeating: [], count: processes)
      for index in (0..<12).reversed() {
        groups[random.nextInteger(below: processes)].append(index)
      }
      #expect(sum(vectors, groups: groups) == expected)
    }
  }

  @Test("the error stays below the documented bound")
  func errorBound() {
    for count in [1, 3, 1000] {
      let vectors = vectors(count, length: 4)
      let sum = ReproducibleSum(summands: count)
      let exponent = vectors.compactMap { ReproducibleSum.exponent(of: $0) }.max() ?? 0
      var total = [Int64](repeating: 0, count: 4)
      for vector in vectors { sum.add(vector, exponent: exponent, to: &total[...]) }
      for index in 0..<4 {
        let exact = vectors.reduce(0.0) { $0 + $1[index] }
        // The reference sum in double precision is itself rounded, by 2^-53 of it a summand.
        let bound =
          Double(count) * Double(sign: .plus, exponent: exponent - sum.bits - 1, significand: 1)
          + Double(count) * vectors.reduce(0) { $0 + abs($1[index]) } * 0x1p-53
        #expect(abs(sum.value(total[index], exponent: exponent) - exact) <= bound)
      }
    }
  }

  @Test("the exponent is the smallest power of two above every value, none for zeros")
  func exponent() {
    #expect(ReproducibleSum.exponent(of: [0.0, 0]) == nil)
    #expect(ReproducibleSum.exponent(of: [0.75, -0.5]) == 0)
    #expect(ReproducibleSum.exponent(of: [1.0]) == 1)
    #expect(ReproducibleSum.exponent(of: [-8.5, 3]) == 4)
    #expect(ReproducibleSum.exponent(of: [Double.leastNormalMagnitude]) == -1021)
  }

  @Test("denormal and huge values neither trap nor overflow")
  func extremes() {
    for value in [Double.leastNonzeroMagnitude, 1e-300, 1e300, Double.greatestFiniteMagnitude] {
      let sum = ReproducibleSum(summands: 1)
      guard let exponent = ReproducibleSum.exponent(of: [value]) else {
        Issue.record("no exponent for \(value)")
        continue
      }
      var total: [Int64] = [0]
      sum.add([value], exponent: exponent, to: &total[...])
      #expect(abs(sum.value(total[0], exponent: exponent) / value - 1) < 1e-12)
    }
  }
}
