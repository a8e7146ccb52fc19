import CKernels
import Testing

/// Products of small matrices and Newton and Schulz's iteration.
@Suite("Small products")
struct SmallProductTests {
  /// A product beside sums in double precision, relative to the largest.
  static func error(
    _ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool, _ transposeB: Bool, accumulates: Bool
  ) -> Double {
    var numbers = Numbers(seed: m + 100 * n + 10_000 * k)
    let a = numbers.floats(m * k)
    let b = numbers.floats(k * n)
    let before = accumulates ? numbers.floats(m * n) : [Float](repeating: .nan, count: m * n)
    // More than the result, to see what is written past its end.
    var c = before + [Float](repeating: 7, count: 32)
    let (turnsA, turnsB): (Int32, Int32) = (transposeA ? 1 : 0, transposeB ? 1 : 0)
    let floats = ck_small_product_scratch_floats(
      Int64(m), Int64(n), Int64(k), turnsA, turnsB)
    withScratch(floats) {
      ck_small_product(
        Int64(m), Int64(n), Int64(k), a, turnsA, b, turnsB, accumulates ? 1 : 0, &c, $0)
    }
    guard c.suffix(32).allSatisfy({ $0 == 7 }) else { return .infinity }
    let truth = (0..<m * n).map { place in
      let (i, j) = (place / n, place % n)
      return (0..<k).reduce(accumulates ? Double(before[place]) : 0) {
        $0 + Double(a[transposeA ? $1 * m + i : i * k + $1])
          * Double(b[transposeB ? j * k + $1 : $1 * n + j])
      }
    }
    return largestError(Array(c.prefix(m * n)), truth)
  }

  /// A line for each product that is off.
  static func differences() -> [String] {
    var found: [String] = []
    let sizes = [0, 1, 2, 7, 8, 9, 15, 16, 17, 33]
    var cases = sizes.flatMap { m in sizes.flatMap { n in sizes.map { k in (m, n, k) } } }
    cases += [(64, 32, 64), (64, 10, 32), (100, 130, 70), (5, 40, 600), (70, 65, 300)]
    for (m, n, k) in cases {
      for form in 0..<8 {
        let error = error(
          m, n, k, form & 1 == 1, form & 2 == 2, accumulates: form & 4 == 4)
        if !(error < 1e-5) { found.append("\(m) \(n) \(k) form \(form): \(error)") }
      }
    }
    for (rows, columns) in [
      (1, 1), (2, 3), (3, 2), (5, 5), (7, 17), (17, 7), (10, 32), (32, 10), (64, 32), (32, 64),
      (33, 65), (70, 40), (0, 3),
    ] {
      var numbers = Numbers(seed: rows)
      let x = numbers.floats(rows * columns, scale: 0.01)
      var y = x
      withScratch(ck_newton_schulz_scratch_floats(Int64(rows), Int64(columns))) {
        ck_newton_schulz(Int64(rows), Int64(columns), &y, $0)
      }
      let error = largestError(y, naiveNewtonSchulz(x.map(Double.init), rows: rows))
      if !(error < 2e-5) { found.append("Newton-Schulz \(rows) \(columns): \(error)") }
    }
    return found
  }

  @Test("products of all forms and sizes are the sums of the products")
  func agreement() {
    #expect(Self.differences() == [])
  }

  #if compiler(>=6.2)
    @Test("they are with every instruction set that the machine can run")
    func everyInstructionSet() async {
      await #expect(processExitsWith: .success) {
        for set in instructionSets {
          ck_force_isa(set)
          #expect(SmallProductTests.differences() == [])
        }
      }
    }
  #endif

  @Test("an element's bits don't depend on the other rows and columns")
  func independence() {
    var numbers = Numbers(seed: 3)
    let (m, n, k) = (37, 16, 50)
    let a = numbers.floats(m * k)
    let b = numbers.floats(k * n)
    func product(_ rows: Int, _ a: [Float]) -> [Float] {
      var c = [Float](repeating: 0, count: rows * n)
      ck_small_product(Int64(rows), Int64(n), Int64(k), a, 0, b, 0, 0, &c, nil)
      return c
    }
    let whole = product(m, a)
    for row in 0..<m {
      let alone = product(1, Array(a[row * k..<(row + 1) * k]))
      #expect(haveSameBits(alone, Array(whole[row * n..<(row + 1) * n])), "row \(row)")
    }
  }

  @Test("zeros stay zeros")
  func zeros() {
    var x = [Float](repeating: 0, count: 20)
    withScratch(ck_newton_schulz_scratch_floats(5, 4)) { ck_newton_schulz(5, 4, &x, $0) }
    #expect(x.allSatisfy { $0 == 0 })
  }
}
